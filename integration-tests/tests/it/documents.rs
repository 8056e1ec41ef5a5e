//! What the documents say is there: example code, commands, links, and tests that are named as proof.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text between two lines that hold these markers.
fn between(text: &str, begin: &str, end: &str) -> String {
    let mut lines = text.lines().skip_while(|line| line.trim() != begin).skip(1);
    let part: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != end).collect();
    assert!(!part.is_empty(), "nothing stands between {begin} and {end}");
    part.join("\n").trim().to_owned()
}

/// All documents: Markdown at the top level, of each crate and of `deploy/`, and under `docs/`.
fn documents() -> Vec<PathBuf> {
    fn gather(directory: &Path, deep: bool, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && deep {
                gather(&path, true, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    gather(root(), false, &mut found);
    gather(&root().join("docs"), true, &mut found);
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path().join("README.md");
        found.extend(path.is_file().then_some(path));
    }
    found
}

/// The source text of all our crates in one string.
fn all_sources() -> String {
    fn gather(directory: &Path, text: &mut String) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        let crate_directories = ["src", "tests"].map(|part| path.join(part));
        if path.join("Cargo.toml").is_file() {
            crate_directories.iter().filter(|path| path.is_dir()).for_each(|path| gather(path, &mut text));
        }
    }
    text
}

#[test]
fn the_servers_in_the_readme_are_the_examples_that_compile() {
    let shown = |name: &str| {
        let block = between(&read("README.md"), &format!("<!-- {name} -->"), &format!("<!-- /{name} -->"));
        let code = block.strip_prefix("```rust").and_then(|code| code.strip_suffix("```"));
        code.unwrap().trim().to_owned()
    };
    let compiled = |example: &str| between(&read(example), "// [readme]", "// [/readme]");
    assert_eq!(shown("server"), compiled("a2a-serve/examples/server.rs"));
    assert_eq!(shown("aws-server"), compiled("a2a-node/examples/aws_server.rs"));
    // The one that trials kill.
    assert_eq!(shown("aws-server"), compiled("integration-tests/src/own_server.rs"));
    assert!(shown("aws-server").lines().count() <= 30, "it is said to be thirty lines");
}

#[test]
fn every_metric_and_every_variable_that_a_document_names_exists() {
    let sources = all_sources();
    let defined = |name: &str| sources.contains(&format!("\"{name}\""));
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            let is_name = word.len() > 4 && (word.starts_with("A2A_") || word.starts_with("a2a_"));
            // A crate is named by paths.
            if is_name && !word.ends_with('_') && !sources.contains(&format!("{word}::")) {
                // A histogram is scraped in parts.
                let name = ["_count", "_sum", "_bucket"].iter().find_map(|part| word.strip_suffix(part));
                assert!(defined(name.unwrap_or(word)), "{} names {word}", document.display());
            }
        }
    }
}

#[test]
fn the_readme_shows_its_two_commands_on_the_first_screen() {
    let readme = read("README.md");
    let first_screen: Vec<&str> = readme.lines().take(30).collect();
    for command in ["cargo run -- demo", "cargo test --workspace"] {
        assert!(first_screen.iter().any(|line| line.starts_with(command)), "{command}");
    }
}

#[test]
fn every_test_that_the_architecture_names_as_proof_exists() {
    let sources = all_sources();
    let architecture = read("ARCHITECTURE.md");
    let named = architecture.split('`').skip(1).step_by(2);
    // A test's name is a sentence: nothing else in backticks has three underscores or more.
    let tests: Vec<&str> =
        named.filter(|word| word.matches('_').count() >= 3 && !word.contains(' ')).collect();
    assert!(tests.len() > 10, "the names of tests were not found");
    for test in tests {
        let defined = ["(", "<"].iter().any(|next| sources.contains(&format!("fn {test}{next}")));
        assert!(defined, "there is no test {test}");
    }
}

#[test]
fn every_relative_link_leads_somewhere() {
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let leads_to = document.parent().unwrap().join(path);
            assert!(leads_to.exists(), "{} links to {target}", document.display());
        }
    }
}

#[test]
fn every_source_file_that_a_document_names_exists() {
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = read(name);
        for word in text.split('`').skip(1).step_by(2) {
            let looks_like_a_path = word.starts_with("a2a-") && word.contains('/') && !word.contains(' ');
            if looks_like_a_path {
                assert!(root().join(word).exists(), "{name} names {word}");
            }
        }
    }
}
