//! Virtual environments of Python with packages in them, made on first use.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::say::say;

/// Returns the Python of a virtual environment that has these packages, separated by spaces, after making it where
/// need be. `takes` tells people about how long that takes.
///
/// Processes that come at the same time wait for the one that installs; where it was interrupted, they install anew.
///
/// # Errors
///
/// Why it cannot be made, in words.
pub fn python_with(home: &Path, packages: &str, takes: &str) -> Result<PathBuf, String> {
    made(home, packages, takes, |lock, python| {
        run(lock, "python3", &["-m".as_ref(), "venv".as_ref(), home.as_os_str()])?;
        pip(lock, python, packages.split(' '))
    })
}

/// The same where only Python 3.13 will do, and only uv finds out which versions of the packages go together.
pub(crate) fn python_3_13_with(home: &Path, packages: &str, takes: &str) -> Result<PathBuf, String> {
    made(home, packages, takes, |lock, python| {
        run(lock, python_3_13()?, &["-m".as_ref(), "venv".as_ref(), home.as_os_str()])?;
        pip(lock, python, ["uv"])?;
        let python = python.to_string_lossy();
        let install = ["-m", "uv", "pip", "install", "--quiet", "--python", &python];
        run(lock, &*python, &install.into_iter().chain(packages.split(' ')).collect::<Vec<_>>())
    })
}

/// A Python 3.13 of this machine: what `A2A_PYTHON` names, what is called so, or what pyenv has.
fn python_3_13() -> Result<PathBuf, String> {
    let named = env::var_os("A2A_PYTHON").map(PathBuf::from);
    let called = ["python3.13", "python3"].map(PathBuf::from);
    let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let pyenv = pyenv.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".pyenv")));
    let versions = pyenv.and_then(|root| fs::read_dir(root.join("versions")).ok()).into_iter().flatten();
    let versions = versions.flatten().map(|version| version.path().join("bin").join("python3.13"));
    let is_one = |python: &PathBuf| {
        let asks = "import sys; sys.exit(sys.version_info[:2] != (3, 13))";
        Command::new(python).args(["-c", asks]).output().is_ok_and(|output| output.status.success())
    };
    let found = named.into_iter().chain(called).chain(versions).find(is_one);
    found.ok_or_else(|| "there is no Python 3.13: `A2A_PYTHON` may name one".to_owned())
}

fn pip<'a>(lock: &File, python: &Path, packages: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(lock, python, &pip.into_iter().chain(packages).collect::<Vec<_>>())
}

fn made(
    home: &Path,
    packages: &str,
    takes: &str,
    make: impl FnOnce(&File, &Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
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
    make(&lock, &python)?;
    fs::write(&mark, packages).map_err(failed)?;
    Ok(python)
}

/// Returns cargo's target directory, under which every test binary lies: cargo marks it with a file.
pub fn target_directory() -> PathBuf {
    let binary = env::current_exe().unwrap_or_default();
    let is_target = |directory: &&Path| directory.join("CACHEDIR.TAG").is_file();
    binary.ancestors().find(is_target).map_or_else(env::temp_dir, Path::to_path_buf)
}

fn run<A: AsRef<OsStr>>(lock: &File, program: impl AsRef<Path>, arguments: &[A]) -> Result<(), String> {
    let program = program.as_ref();
    let output = holding(lock, program)
        .and_then(|mut command| command.args(arguments).output())
        .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed: {}", program.display(), said.trim()))
}

/// A program that shares a lock, so that it keeps others waiting even where this process is killed.
fn holding(lock: &File, program: &Path) -> io::Result<Command> {
    let mut command = Command::new(program);
    command.stdin(lock.try_clone()?);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::process::Stdio;

    use super::*;

    #[test]
    fn what_an_installation_started_keeps_others_waiting_after_it_was_interrupted() {
        let folder = target_directory().join(format!("lock-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let lock = File::create(folder.join("install.lock")).unwrap();
        lock.lock().unwrap();
        let mut command = holding(&lock, Path::new("sh")).unwrap();
        command.args(["-c", "echo started; exec sleep 60"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(command);
        let mut said = [0; 7];
        child.stdout.take().unwrap().read_exact(&mut said).unwrap();
        // As the kernel does when the process that took the lock is killed.
        drop(lock);
        let other = File::create(folder.join("install.lock")).unwrap();
        assert!(other.try_lock().is_err(), "the lock went with the process that took it");
        child.kill().unwrap();
        child.wait().unwrap();
        other.lock().unwrap();
        fs::remove_dir_all(&folder).unwrap();
    }
}
