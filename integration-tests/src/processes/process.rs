//! One server process: started, signalled, listened to, and reaped whatever becomes of the test.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_util::task::TaskTracker;

use super::process_log::ProcessLog;

/// Where this variable is set, the program ends when its standard input does: however we end, the kernel closes the
/// pipe.
pub const LIFELINE: &str = "TRIALS_LIFELINE";

/// How to start a process: which program, with which settings.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// What it finds in its environment, besides what this process has and does not begin with `A2A_` or `AWS_`.
    pub environment: Vec<(String, String)>,
    /// Its command line.
    pub arguments: Vec<String>,
}

/// A process that was started.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: Pid,
    log: ProcessLog,
    readers: TaskTracker,
    /// The process ends when this does, and to wait for the process must not end it.
    _lifeline: Option<ChildStdin>,
}

impl Launch {
    /// Starts a process, with its standard output to read.
    ///
    /// # Errors
    ///
    /// Why it cannot be started.
    pub fn spawn(&self, name: &str) -> Result<(Process, Lines<BufReader<ChildStdout>>), String> {
        let cannot = |why: &str| format!("cannot start {}: {why}", self.program.display());
        let mut command = Command::new(&self.program);
        for (variable, _) in std::env::vars_os().filter(|(variable, _)| is_a_setting(variable)) {
            command.env_remove(variable);
        }
        command.args(&self.arguments).envs(self.environment.iter().cloned());
        command.env(LIFELINE, "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| cannot(&error.to_string()))?;

        let (log, readers) = (ProcessLog::default(), TaskTracker::new());
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(log.clone().keep(BufReader::new(stderr)));
        }
        readers.close();
        let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let pid = pid.ok_or_else(|| cannot("it has no number"))?;
        let stdout = child.stdout.take().ok_or_else(|| cannot("it has no standard output"))?;
        let (name, _lifeline) = (name.to_owned(), child.stdin.take());
        Ok((Process { name, child, pid, log, readers, _lifeline }, BufReader::new(stdout).lines()))
    }
}

impl Process {
    /// What the harness calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it logs.
    pub fn log(&self) -> &ProcessLog {
        &self.log
    }

    /// Ends it with SIGKILL and waits until it is gone. The status says whether it had ended by itself before.
    ///
    /// # Panics
    ///
    /// When it cannot be killed.
    pub async fn kill(mut self) -> (ExitStatus, ProcessLog) {
        self.child.start_kill().unwrap();
        let status = self.child.wait().await.unwrap();
        self.readers.wait().await;
        (status, self.log.clone())
    }

    /// Stops its clock with SIGSTOP: it is still there, and does nothing.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on with SIGCONT.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to end with SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    ///
    /// The end of its log, where it does not within `patience`.
    ///
    /// # Panics
    ///
    /// When it cannot be waited for.
    pub async fn ended(mut self, patience: Duration) -> Result<(ExitStatus, ProcessLog), String> {
        match tokio::time::timeout(patience, self.child.wait()).await {
            Ok(status) => {
                self.readers.wait().await;
                Ok((status.unwrap(), self.log.clone()))
            }
            Err(_) => Err(format!("{} does not end; its last words:\n{}", self.name, self.log.tail())),
        }
    }

    fn signal(&self, signal: Signal) {
        // The process is not reaped before `self` goes, so the number is its own even where it has ended.
        kill_process(self.pid, signal).unwrap();
    }
}

fn is_a_setting(variable: &OsString) -> bool {
    let variable = variable.to_string_lossy();
    variable.starts_with("A2A_") || variable.starts_with("AWS_")
}
