//! The commands that documents show are commands that the node has, with flags that they take.

use std::collections::BTreeMap;
use std::process::Command;

use super::files::{read, terraform, text, yaml};

const DOCUMENTS: [&str; 6] = [
    "README.md",
    "CONTRIBUTING.md",
    "docs/scaling.md",
    "deploy/README.md",
    "a2a-node/README.md",
    "a2a-store-dynamodb/README.md",
];
const COMMANDS: [&str; 8] = ["demo", "serve", "health", "provision", "doctor", "status", "reap", "forget"];

/// Each command with its flags, as far as it is shown: `a2a-node reap --apply`, `cargo run -- demo`.
fn shown(document: &str) -> Vec<(&str, Vec<&str>)> {
    let starts = ["a2a-node ", "cargo run -- "].into_iter().flat_map(|start| document.split(start).skip(1));
    let lines = starts.map(|rest| rest.split(['`', '\n', '"', ';', '&', '#', '|']).next().unwrap());
    let calls = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let command = words.next().filter(|word| COMMANDS.contains(word))?;
        Some((command, words.filter(|word| word.starts_with("--")).collect()))
    });
    calls.collect()
}

#[test]
fn documents_show_commands_and_flags_that_exist() {
    let help = COMMANDS.map(|command| {
        let output = Command::new(env!("CARGO_BIN_EXE_trials")).args([command, "--help"]).output().unwrap();
        (command, String::from_utf8(output.stdout).unwrap())
    });
    let help = BTreeMap::from(help);
    let mut seen = 0;
    for path in DOCUMENTS {
        for (command, flags) in shown(&read(path)) {
            seen += 1;
            let known: Vec<_> = help[command].split_whitespace().collect();
            for flag in flags {
                assert!(known.contains(&flag), "{path} shows {command} {flag}");
            }
        }
    }
    assert!(seen > 10, "{seen}");
}

/// What follows the binary's path in a health check's list of words.
fn asked(check: &str) -> Vec<String> {
    let words = check.split_once("/usr/local/bin/a2a-node\"").unwrap().1.split_once(']').unwrap().0;
    words.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn containers_check_their_health_with_commands_that_the_node_has() {
    let image = read("deploy/docker/Dockerfile");
    let image = image.lines().find(|line| line.starts_with("HEALTHCHECK")).unwrap();
    let compose = yaml("deploy/docker/compose.yaml");
    let compose = compose["services"]["node-1"]["healthcheck"]["test"].to_string();
    let module = terraform("deploy/terraform/ecs");
    let ecs = module["variable"]["health_check"]["default"].to_string();
    let container = text(&module["resource"]["aws_ecs_task_definition"]["instance"]["container_definitions"]);
    assert!(container.contains("= var.health_check"), "{container}");
    let checks =
        [(image, vec!["health", "--live"]), (&compose, vec!["health"]), (&ecs, vec!["health", "--live"])];
    for (check, expected) in checks {
        let words = asked(check);
        assert_eq!(words, expected, "{check}");
        // Where nobody listens: it fails, and not for what it is told.
        let mut command = Command::new(env!("CARGO_BIN_EXE_trials"));
        let output = command.args(&words).env("A2A_LISTEN", "127.0.0.1:1").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{check}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
