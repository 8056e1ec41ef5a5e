//! The command line: every setting is a flag, and every flag can also come from an environment variable.

mod backends;

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::{HeaderName, Uri};
use clap::builder::BoolishValueParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

pub(crate) use backends::{BackendFlags, Mismatch};

use crate::tuning::Tuning;

/// A2A servers that run as many instances: any instance answers for any task.
#[derive(Debug, Parser)]
#[command(
    name = "a2a-node",
    version,
    after_help = "Try it first, nothing needs to be installed:\n\n    cargo run -- demo\n\n\
                  Then serve three instances and talk to any of them:\n\n    \
                  cargo run -- serve --instances 3"
)]
pub(crate) struct Cli {
    /// What to do; nothing shows the help.
    #[command(subcommand)]
    pub(crate) action: Option<Action>,
    /// What goes to stderr.
    #[command(flatten)]
    pub(crate) log: Log,
}

impl Cli {
    /// Reads the command line of this process; ends it with a text for people where that cannot be done.
    pub(crate) fn read() -> Self {
        Self::try_parse().and_then(Self::consistent).unwrap_or_else(|error| error.exit())
    }

    /// Refuses settings that only contradict each other.
    fn consistent(self) -> Result<Self, clap::Error> {
        if let Some(Action::Serve(serve)) = &self.action {
            serve
                .tuning
                .config()
                .map_err(|error| Self::command().error(ErrorKind::ValueValidation, error))?;
            serve
                .backends
                .choice()
                .map_err(|error| Self::command().error(ErrorKind::ValueValidation, error))?;
        }
        Ok(self)
    }
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Run three instances in this process, stream one task through all of them, and check what arrived.
    Demo(Demo),
    /// Serve the built-in agent over JSON-RPC, REST and gRPC until SIGTERM or Ctrl-C.
    Serve(Box<Serve>),
}

/// Settings of `demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Print only one JSON object with the counts of every stream.
    #[arg(long, env = "A2A_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
    /// Let the others resume the task of the instance that is killed in the end, instead of failing it.
    #[arg(long, env = "A2A_RESUME", value_parser = BoolishValueParser::new())]
    pub(crate) resume: bool,
}

/// Settings of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The address of both HTTP bindings; port 0 takes a free port.
    #[arg(long, env = "A2A_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The address of the gRPC binding, which is served only if this is given; port 0 takes a free port.
    #[arg(long, env = "A2A_GRPC_LISTEN", value_name = "ADDR")]
    pub(crate) grpc_listen: Option<SocketAddr>,
    /// How many instances to run in this process, on consecutive ports (or each on a free port, with port 0).
    #[arg(long, env = "A2A_INSTANCES", value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) instances: u16,
    /// Where tasks are kept, and how instances reach each other.
    #[command(flatten)]
    pub(crate) backends: BackendFlags,
    /// Accept webhooks to loopback and private addresses. Only for trying things out.
    #[arg(long, env = "A2A_ALLOW_LOCAL_WEBHOOKS", value_parser = BoolishValueParser::new())]
    pub(crate) allow_local_webhooks: bool,
    /// The base URL that the agent card names for both HTTP bindings, when clients reach them through a proxy.
    #[arg(long, env = "A2A_PUBLIC_URL", value_name = "URL", value_parser = base_url)]
    pub(crate) public_url: Option<String>,
    /// The URL that the agent card names for the gRPC binding, when clients reach it through a proxy.
    #[arg(long, env = "A2A_PUBLIC_GRPC_URL", value_name = "URL", value_parser = base_url, requires = "grpc_listen")]
    pub(crate) public_grpc_url: Option<String>,
    /// How long running work may go on after SIGTERM or Ctrl-C. A second signal exits at once.
    #[arg(long, env = "A2A_SHUTDOWN_GRACE", value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) shutdown_grace: Duration,
    /// Take the caller's identity from this header (gRPC: metadata), which a gateway sets. Requests without it are
    /// refused.
    ///
    /// The header is believed as it is, so the gateway MUST remove it from what clients send, and clients must not
    /// reach the instances but through the gateway: otherwise anybody can be anybody. Without this flag all
    /// callers share all tasks.
    #[arg(long, env = "A2A_PRINCIPAL_HEADER", value_name = "NAME")]
    pub(crate) principal_header: Option<HeaderName>,
    /// Settings of membership and recovery.
    #[command(flatten)]
    pub(crate) tuning: Tuning,
}

/// Settings of the log.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Which lines to log: a level, or a list such as `warn,a2a_cluster=debug`.
    #[arg(long = "log", env = "A2A_LOG", value_name = "FILTER", default_value = "warn,a2a_node=info", value_parser = filter, global = true, display_order = 100)]
    pub(crate) filter: String,
    /// How to write each line.
    #[arg(long = "log-format", env = "A2A_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true, display_order = 101)]
    pub(crate) format: LogFormat,
}

/// The forms of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

fn base_url(text: &str) -> Result<String, String> {
    let uri: Uri = text.parse().map_err(|error| format!("{error}"))?;
    match (uri.scheme_str(), uri.host(), uri.query()) {
        (Some("http" | "https"), Some(_), None) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("expected a URL such as https://agent.example.com/a2a".into()),
    }
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    const MAX: f64 = 86_400.0;
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=MAX).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("expected a number of seconds from 0 to {MAX}")),
    }
}

fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn serve_has_defaults_for_everything() {
        let serve = serve(&[]).unwrap();
        assert_eq!(serve.listen.to_string(), "127.0.0.1:8080");
        assert_eq!((serve.instances, serve.grpc_listen), (1, None));
        assert_eq!(serve.shutdown_grace, Duration::from_secs(30));
        assert!(!serve.allow_local_webhooks && serve.principal_header.is_none());
        let (ours, theirs) = (serve.tuning.config().unwrap(), a2a_cluster::Config::default());
        assert_eq!((ours.beat_interval, ours.lease), (theirs.beat_interval, theirs.lease));
        assert_eq!(ours.executor_lost, theirs.executor_lost);
    }

    #[test]
    fn serve_takes_what_it_is_given() {
        let flags = ["--public-url", "https://x.example/a2a/", "--shutdown-grace", "0.5", "--instances", "3"];
        let serve = serve(&flags).unwrap();
        assert_eq!(serve.public_url.as_deref(), Some("https://x.example/a2a"));
        assert_eq!((serve.shutdown_grace, serve.instances), (Duration::from_millis(500), 3));
    }

    #[test]
    fn bad_values_are_refused_with_the_reason() {
        let table: [(&[&str], &str); 13] = [
            (&["--listen", "nowhere"], "invalid socket address"),
            (&["--listen", "127.0.0.1"], "invalid socket address"),
            (&["--instances", "0"], "1..=100"),
            (&["--store", "paper"], "possible values: memory, dynamodb"),
            (&["--bus", "yellow"], "possible values: memory, snssqs"),
            (&["--public-url", "ftp://x"], "expected a URL"),
            (&["--public-grpc-url", "http://x"], "--grpc-listen"),
            (&["--shutdown-grace", "soon"], "number of seconds"),
            (&["--principal-header", "x user"], "invalid HTTP header name"),
            (&["--executor-lost", "hope"], "possible values: fail, resume"),
            (&["--beat-interval", "0"], "at least 0.01 seconds"),
            (&["--beat-interval", "2", "--lease", "5.9"], "--lease must be at least 3 times"),
            (&["--log", "a=b=c"], "error parsing level filter"),
        ];
        for (flags, reason) in table {
            let said = serve(flags).unwrap_err();
            assert!(said.contains(reason), "{flags:?}: {said}");
        }
    }
}
