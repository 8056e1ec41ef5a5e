//! The commands that documents show are commands that the node has, with flags that they take.

use std::collections::BTreeMap;
use std::process::Command;

use super::files::read;

const DOCUMENTS: [&str; 5] =
    ["README.md", "CONTRIBUTING.md", "docs/scaling.md", "deploy/README.md", "a2a-node/README.md"];
const COMMANDS: [&str; 6] = ["demo", "serve", "provision", "doctor", "status", "reap"];

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
