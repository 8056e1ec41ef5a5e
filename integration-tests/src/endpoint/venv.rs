//! Virtual environments of Python with packages in them, made on first use.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::say;

const PACKAGE: &str = "ministack==1.5.33";

/// Returns the Python that has the emulator, after installing it where need be.
pub(super) fn python() -> Result<PathBuf, String> {
    let home = match env::var_os("A2A_MINISTACK_VENV") {
        Some(chosen) => PathBuf::from(chosen),
        None => target_directory().join("ministack-venv"),
    };
    python_with(&home, PACKAGE, "10 s")
}

/// Returns the Python of a virtual environment that has these packages, separated by spaces, after making it where
/// need be. `takes` tells people about how long that takes.
///
/// Processes that come at the same time wait for the one that installs.
pub(crate) fn python_with(home: &Path, packages: &str, takes: &str) -> Result<PathBuf, String> {
    let failed = |error: io::Error| format!("cannot prepare {}: {error}", home.display());
    fs::create_dir_all(home).map_err(failed)?;
    let lock = File::create(home.join("install.lock")).map_err(failed)?;
    lock.lock().map_err(failed)?;

    let python = home.join("bin").join("python");
    // Written last, so that an installation that was interrupted is not taken for a whole one.
    let mark = home.join("installed");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == packages) {
        return Ok(python);
    }
    say(&format!("installing {packages} into {} (once, some {takes})", home.display()));
    run("python3", &["-m".as_ref(), "venv".as_ref(), home.as_os_str()])?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(&python, &pip.into_iter().chain(packages.split(' ')).collect::<Vec<_>>())?;
    fs::write(&mark, packages).map_err(failed)?;
    Ok(python)
}

/// Cargo marks its target directory, under which every test binary lies, with this file.
pub(crate) fn target_directory() -> PathBuf {
    let binary = env::current_exe().unwrap_or_default();
    let is_target = |directory: &&Path| directory.join("CACHEDIR.TAG").is_file();
    binary.ancestors().find(is_target).map_or_else(env::temp_dir, Path::to_path_buf)
}

fn run<A: AsRef<std::ffi::OsStr>>(program: impl AsRef<Path>, arguments: &[A]) -> Result<(), String> {
    let program = program.as_ref();
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed: {}", program.display(), said.trim()))
}
