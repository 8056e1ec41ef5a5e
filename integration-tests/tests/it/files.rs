//! Sources stay small enough to read in one go, and manifests take versions and lints from one place.

use std::fs;
use std::path::{Path, PathBuf};

/// No file is longer, tests included.
const LONGEST: usize = 500;
/// `lib.rs` is a table of contents.
const LONGEST_LIB: usize = 60;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// All files of the repository with this name or extension; build output and hidden directories left out.
fn files(directory: &Path, wanted: &dyn Fn(&Path) -> bool, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !path.join("CACHEDIR.TAG").exists() && name != "target" {
                files(&path, wanted, found);
            }
        } else if wanted(&path) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(root(), &|path| path.extension().is_some_and(|extension| extension == "rs"), &mut found);
    assert!(found.len() > 100, "the sources were not found");
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// Fails with everything that is wrong at once.
fn none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_source_file_is_too_long_to_read_in_one_go() {
    let too_long = |(path, text): &(PathBuf, String)| {
        let lines = text.lines().count();
        let limit = if path.ends_with("src/lib.rs") { LONGEST_LIB } else { LONGEST };
        (lines > limit).then(|| format!("{}: {lines} lines, at most {limit} are wanted", path.display()))
    };
    none(sources().iter().filter_map(too_long).collect());
}

#[test]
fn every_source_file_begins_with_what_it_is_about() {
    let silent = |(path, text): &(PathBuf, String)| {
        // The tests of a module are about that module; no more needs to be said.
        let speaks = text.starts_with("//! ")
            || text.starts_with("#![doc = include_str!(")
            || path.ends_with("tests.rs");
        (!speaks).then(|| format!("{}: the first line says nothing of it", path.display()))
    };
    none(sources().iter().filter_map(silent).collect());
}

#[test]
fn manifests_take_versions_and_lints_from_the_workspace() {
    let mut manifests = Vec::new();
    files(root(), &|path| path.ends_with("Cargo.toml"), &mut manifests);
    let members = manifests.iter().filter(|path| fs::canonicalize(path).unwrap() != workspace_manifest());
    for path in members {
        let text = fs::read_to_string(path).unwrap();
        if text.contains("[workspace]") {
            // A fuzz target is a workspace of its own.
            continue;
        }
        let shown = path.display();
        assert!(text.contains("[lints]\nworkspace = true"), "{shown} does not take the workspace's lints");
        let mut in_dependencies = false;
        for line in text.lines() {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]");
            } else if in_dependencies && !line.trim().is_empty() && !line.starts_with('#') {
                // A path alone is no version: so a test may stand on what stands on its crate.
                let from_workspace = line.contains("workspace = true") || line.contains("{ path = \"../");
                assert!(
                    from_workspace && !line.contains("version"),
                    "{shown} has a version of its own: {line}"
                );
            }
        }
    }
}

#[test]
fn the_lock_keeps_the_tables_for_names_of_hosts_that_build_fast() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    assert!(lock.contains("name = \"idna_adapter\""), "names are mapped by something else now");
    assert!(!lock.contains("name = \"icu_"), "say: cargo update -p idna_adapter --precise 1.1.0");
}

fn workspace_manifest() -> PathBuf {
    fs::canonicalize(root().join("Cargo.toml")).unwrap()
}
