//! What the binary says to people who do not know it yet, or who mistype.

use crate::node::{self, run, soon, text};

#[tokio::test]
async fn no_arguments_show_help_that_leads_to_the_demo() {
    let output = run(&[]).await;
    let help = text(&output.stdout);
    assert!(output.status.success());
    assert!(help.contains("cargo run -- demo") && help.contains("serve"), "{help}");
}

#[tokio::test]
async fn help_of_serve_names_the_environment_variable_of_every_flag() {
    let help = text(&run(&["serve", "--help"]).await.stdout);
    let variables = [
        "A2A_LISTEN",
        "A2A_GRPC_LISTEN",
        "A2A_INSTANCES",
        "A2A_STORE",
        "A2A_BUS",
        "A2A_TABLE",
        "A2A_TOPIC_ARN",
        "A2A_TASK_RETENTION",
        "A2A_COMMIT_SPACING",
        "A2A_ALLOW_REPLICAS",
        "A2A_NAME",
        "A2A_ALLOW_LOCAL_WEBHOOKS",
        "A2A_WEBHOOK_ROOTS",
        "A2A_WEBHOOK_CLIENT_CERT",
        "A2A_WEBHOOK_CLIENT_KEY",
        "A2A_PUBLIC_URL",
        "A2A_PUBLIC_GRPC_URL",
        "A2A_SHUTDOWN_GRACE",
        "A2A_SCALE_IN_PROTECTION",
        "A2A_INSTANCE_ROLES",
        "A2A_QUEUE_KEY",
        "A2A_QUEUE_TAGS",
        "A2A_PRINCIPAL_HEADER",
        "A2A_BEAT_INTERVAL",
        "A2A_LEASE",
        "A2A_EXECUTOR_LOST",
        "A2A_MAX_ATTEMPTS",
        "A2A_MAX_AGENTS",
        "A2A_MAX_WAITING_COMMITS",
        "A2A_AGENT_SILENCE",
        "A2A_TURN_LIMIT",
        "A2A_CONNECTIONS",
        "A2A_STREAMS_PER_CONNECTION",
        "A2A_IDLE_TIMEOUT",
        "A2A_LOG",
        "A2A_LOG_FORMAT",
    ];
    for variable in variables {
        assert!(help.contains(&format!("[env: {variable}=")), "{variable}: {help}");
    }
}

#[tokio::test]
async fn help_of_forget_says_what_becomes_of_agents_and_what_it_does_not_reach() {
    let help = text(&run(&["forget", "--help"]).await.stdout);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let told =
        ["--apply", "next commit, which finds the task gone", "ten minutes", "35 days", "queues", "logs"];
    for told in told {
        assert!(help.contains(told), "{told}: {help}");
    }
}

#[tokio::test]
async fn help_does_not_show_the_password_of_the_proxy_for_webhooks() {
    let mut command = node::command(&["serve", "--help"]);
    command.env("A2A_WEBHOOK_PROXY", "http://ann:planted@proxy.example.com");
    let help = text(&soon(command.output()).await.unwrap().stdout);
    assert!(help.contains("[env: A2A_WEBHOOK_PROXY]") && !help.contains("planted"), "{help}");
}

#[tokio::test]
async fn bad_flags_are_refused_with_the_reason_and_nothing_on_stdout() {
    let table: [(&[&str], &str); 9] = [
        (&["dance"], "unrecognized subcommand 'dance'"),
        (&["serve", "--listen", "here"], "invalid socket address"),
        (&["serve", "--instances", "many"], "--instances"),
        (&["serve", "--lease", "1"], "--lease must be at least 3 times --beat-interval"),
        (&["serve", "--bus", "snssqs"], "--bus snssqs needs --store dynamodb"),
        (&["serve", "--table", ""], "a value is required for '--table <NAME>'"),
        (&["forget", "--table", "t", "--apply"], "<--task <ID>|--caller <NAME>|--nobody>"),
        (&["forget", "--table", "t", "--context", "c", "--task", "t"], "cannot be used with"),
        (&["serve", "--store", "paper"], "[possible values: memory, dynamodb]"),
    ];
    for (arguments, reason) in table {
        let output = run(arguments).await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(said.contains(reason) && output.stdout.is_empty(), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn a_taken_port_is_named_and_nothing_is_announced() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = soon(node::command(&["serve", "--listen", &address]).output()).await.unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&format!("cannot listen on {address}: ")) && output.stdout.is_empty(), "{said}");
}
