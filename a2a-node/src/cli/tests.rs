use super::*;

fn serve(flags: &[&str]) -> Result<Serve, String> {
    let line = ["a2a-node", "serve"].iter().chain(flags);
    let cli = Cli::try_parse_from(line).and_then(Cli::consistent);
    match cli.map_err(|error| error.to_string())?.action {
        Some(Action::Serve(serve)) => Ok(*serve),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_flag_of_every_command_has_an_environment_variable() {
    let command = Cli::command();
    for command in std::iter::once(&command).chain(command.get_subcommands()) {
        for flag in command.get_arguments() {
            let variable = flag.get_env().map(|name| name.to_string_lossy().into_owned());
            let expected =
                flag.get_long().map(|long| format!("A2A_{}", long.replace('-', "_").to_uppercase()));
            assert_eq!(variable, expected, "{flag}");
        }
    }
}

/// The rows of README's tables of flags under a title: flag with its value's name, variable, default.
fn documented(title: &str) -> Vec<[String; 3]> {
    let readme = include_str!("../../README.md");
    let section = readme.split("\n## ").find(|section| section.lines().next() == Some(title)).expect(title);
    let rows = section.lines().filter(|line| line.starts_with("| `--"));
    let cell = |text: &str| text.trim().trim_matches('`').to_owned();
    rows.map(|row| row.split('|').skip(1).map(cell).collect::<Vec<_>>())
        .map(|cells| [0, 1, 2].map(|at: usize| cells[at].clone()))
        .collect()
}

fn flags(command: &clap::Command) -> Vec<[String; 3]> {
    let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    let flags = command.get_arguments().filter(|flag| flag.get_long().is_some_and(|long| long != "help"));
    flags
        .map(|flag| {
            let value = flag.get_value_names().filter(|_| flag.get_action().takes_values());
            let value = value.map(|names| format!(" {}", names.join(" "))).unwrap_or_default();
            let defaults = flag.get_default_values().iter().map(|value| text(value));
            let default = if flag.get_action().takes_values() { defaults.collect() } else { String::new() };
            let flag_and_value = format!("--{}{value}", flag.get_long().unwrap_or_default());
            [flag_and_value, flag.get_env().map(text).unwrap_or_default(), default]
        })
        .collect()
}

#[test]
fn the_readme_lists_every_command_with_every_flag_its_variable_and_its_default() {
    let command = Cli::command();
    for command in command.get_subcommands() {
        let title = format!("`{}`", command.get_name());
        assert_eq!(documented(&title), flags(command), "{title}");
    }
    let readme = include_str!("../../README.md");
    let [log, format] = [0, 1].map(|at| flags(&command)[at].clone());
    for [flag, variable, default] in [log, format] {
        assert!(readme.contains(&format!("| `{flag}` | `{variable}` | `{default}` |")), "{flag}");
    }
}

#[test]
fn serve_has_defaults_for_everything() {
    let serve = serve(&[]).unwrap();
    assert_eq!(serve.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((serve.instances, serve.grpc_listen), (1, None));
    assert_eq!(serve.shutdown_grace, Duration::from_secs(30));
    assert!(!serve.webhooks.allow_local_webhooks && serve.webhooks.webhook_proxy.is_none());
    assert!(serve.principal_header.is_none());
    let config = serve.tuning.config().unwrap();
    assert_eq!(serve.bounds.bound(config), a2a_cluster::Config::default());
    assert_eq!((serve.bounds.connections, serve.bounds.streams_per_connection), (10_000, 10_000));
    assert_eq!(serve.bounds.idle_timeout, Duration::from_secs(75));
}

#[test]
fn serve_takes_what_it_is_given() {
    let flags = ["--public-url", "https://x.example/a2a/", "--shutdown-grace", "0.5", "--instances", "3"];
    let serve = serve(&flags).unwrap();
    assert_eq!(serve.public_url.as_deref(), Some("https://x.example/a2a"));
    assert_eq!((serve.shutdown_grace, serve.instances), (Duration::from_millis(500), 3));
}

#[test]
fn serve_bounds_what_an_instance_takes_on() {
    let agents = ["--max-agents", "7", "--max-waiting-commits", "8", "--agent-silence", "0.5"];
    let sockets = ["--turn-limit", "604800", "--connections", "9", "--streams-per-connection", "10"];
    let idle = ["--idle-timeout", "1.5"];
    let bounds = serve(&[&agents[..], &sockets, &idle].concat()).unwrap().bounds;
    let default = a2a_cluster::Config::default;
    let config = default().max_agents(7).max_waiting_commits(8);
    let config = config.agent_silence(Duration::from_millis(500)).turn_limit(Duration::from_secs(604_800));
    assert_eq!(bounds.bound(default()), config);
    assert_eq!((bounds.connections, bounds.streams_per_connection), (9, 10));
    assert_eq!(bounds.idle_timeout, Duration::from_millis(1_500));
}

#[test]
fn bad_values_are_refused_with_the_reason() {
    let table: [(&[&str], &str); 21] = [
        (&["--listen", "nowhere"], "invalid socket address"),
        (&["--listen", "127.0.0.1"], "invalid socket address"),
        (&["--instances", "0"], "1..=100"),
        (&["--store", "paper"], "possible values: memory, dynamodb"),
        (&["--bus", "yellow"], "possible values: memory, snssqs"),
        (&["--public-url", "ftp://x"], "expected a URL"),
        (&["--shutdown-grace", "soon"], "number of seconds"),
        (&["--principal-header", "x user"], "invalid HTTP header name"),
        (&["--executor-lost", "hope"], "possible values: fail, resume"),
        (&["--beat-interval", "0"], "at least 0.01 seconds"),
        (&["--beat-interval", "2", "--lease", "5.9"], "--lease must be at least 3 times"),
        (&["--max-agents", "0"], "0 is not in 1.."),
        (&["--max-waiting-commits", "0"], "0 is not in 1.."),
        (&["--agent-silence", "0"], "from 0.01 to 315360000"),
        (&["--turn-limit", "315360001"], "from 0.01 to 315360000"),
        (&["--turn-limit", "NaN"], "from 0.01 to 315360000"),
        (&["--connections", "0"], "0 is not in 1.."),
        (&["--connections", "many"], "invalid digit"),
        (&["--streams-per-connection", "5000000000"], "is not in 1..=4294967295"),
        (&["--idle-timeout", "0"], "from 1 to 86400"),
        (&["--log", "a=b=c"], "invalid filter directive"),
    ];
    for (flags, reason) in table {
        let said = serve(flags).unwrap_err();
        assert!(said.contains(reason), "{flags:?}: {said}");
    }
}
