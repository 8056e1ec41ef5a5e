//! Clients of other languages: small programs under `clients/`, each with the real package of its language.

use std::path::{Path, PathBuf};
use std::process::Output;

use tokio::process::Command;

use crate::endpoint::{venv, wanted};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");
const PACKAGES: &str = include_str!("../clients/requirements.txt");

/// The Python that has the packages of the clients, in a virtual environment of its own under cargo's target directory.
/// The first call may take half a minute, and blocks.
///
/// Returns `None` where there is none, after saying why.
///
/// # Panics
///
/// Where there is none although `CI` is set.
pub fn python() -> Option<PathBuf> {
    python_with("clients-venv", &PACKAGES.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The Python that has these packages, separated by spaces, in a virtual environment of this name, as [`python`].
///
/// # Panics
///
/// Where there is none although `CI` is set.
pub fn python_with(environment: &str, packages: &str) -> Option<PathBuf> {
    let home = venv::target_directory().join(environment);
    wanted("Python with packages", venv::python_with(&home, packages, "30 s"))
}

/// Runs a client's program to its end.
///
/// # Errors
///
/// Where it cannot be started.
pub async fn run(python: &Path, program: &str, arguments: &[&str]) -> std::io::Result<Output> {
    let mut command = Command::new(python);
    command.arg(Path::new(FOLDER).join(program)).args(arguments);
    command.kill_on_drop(true).output().await
}
