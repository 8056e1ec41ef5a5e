//! One server process: started, signalled, listened to, and reaped whatever becomes of the test.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use a2a_testworld::Sockets;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::task::TaskTracker;

use super::process_log::ProcessLog;

/// A process that has not said by then where it serves never will.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// Where this variable is set, the program ends when its standard input does: however we end, the kernel closes the
/// pipe.
pub const LIFELINE: &str = "TRIALS_LIFELINE";

/// How to start a process: which program, with which settings.
#[derive(Debug, Clone)]
pub struct Launch {
    /// A program whose arguments are those of `a2a-node`.
    pub program: PathBuf,
    /// What it finds in its environment, besides what this process has and does not begin with `A2A_` or `AWS_`.
    pub environment: Vec<(&'static str, String)>,
    /// What follows `serve` on its command line.
    pub flags: Vec<String>,
}

/// A running process with one instance.
#[derive(Debug)]
pub struct Node {
    name: String,
    child: Child,
    pid: Pid,
    announced: Announced,
    log: ProcessLog,
    readers: TaskTracker,
    /// The process ends when this does, and to wait for the process must not end it.
    _lifeline: Option<ChildStdin>,
}

#[derive(Debug, Clone, Deserialize)]
struct Announced {
    id: String,
    http: String,
    grpc: String,
}

#[derive(Deserialize)]
struct Announcement {
    instances: Vec<Announced>,
}

impl Launch {
    /// Starts a process and waits until it says that it serves.
    ///
    /// # Errors
    ///
    /// Why it does not, with the end of its log.
    pub async fn start(&self, name: &str) -> Result<Node, String> {
        let mut command = Command::new(&self.program);
        for (variable, _) in std::env::vars_os().filter(|(variable, _)| is_a_setting(variable)) {
            command.env_remove(variable);
        }
        command.arg("serve").args([
            "--listen",
            "127.0.0.1:0",
            "--grpc-listen",
            "127.0.0.1:0",
            "--drain-delay",
            "0",
        ]);
        command.args(&self.flags).envs(self.environment.iter().map(|(key, value)| (key, value)));
        command.env(LIFELINE, "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child =
            command.spawn().map_err(|error| format!("cannot start {}: {error}", self.program.display()))?;

        let (log, readers) = (ProcessLog::default(), TaskTracker::new());
        if let Some(stderr) = child.stderr.take() {
            readers.spawn(log.clone().keep(BufReader::new(stderr)));
        }
        readers.close();
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
        let line = tokio::time::timeout(STARTS_WITHIN, stdout.next_line()).await;
        let line = line.ok().and_then(Result::ok).flatten();
        let announced = line.and_then(|line| serde_json::from_str::<Announcement>(&line).ok());
        let announced = announced.and_then(|announced| announced.instances.into_iter().next());
        let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        match (announced, pid) {
            (Some(announced), Some(pid)) => {
                let (name, _lifeline) = (name.to_owned(), child.stdin.take());
                Ok(Node { name, child, pid, announced, log, readers, _lifeline })
            }
            _ => {
                let _ = child.kill().await;
                readers.wait().await;
                Err(format!("{name} does not serve; its last words:\n{}", log.tail()))
            }
        }
    }
}

impl Node {
    /// What the harness calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the instance that serves now: a process that was evicted goes on under another one.
    pub fn id(&self) -> String {
        self.log.rejoined_as().unwrap_or_else(|| self.announced.id.clone())
    }

    /// The id of the instance that it started with.
    pub fn first_id(&self) -> &str {
        &self.announced.id
    }

    /// Where JSON-RPC and REST are served.
    ///
    /// # Panics
    ///
    /// When it has announced no socket address.
    pub fn http(&self) -> SocketAddr {
        address(&self.announced.http)
    }

    /// Where gRPC is served.
    ///
    /// # Panics
    ///
    /// When it has announced no socket address.
    pub fn grpc(&self) -> SocketAddr {
        address(&self.announced.grpc)
    }

    /// Where all bindings are served.
    ///
    /// # Panics
    ///
    /// When it has announced no socket addresses.
    pub fn sockets(&self) -> Sockets {
        Sockets { http: self.http(), grpc: self.grpc() }
    }

    /// What it logs.
    pub fn log(&self) -> &ProcessLog {
        &self.log
    }

    /// Ends it with SIGKILL and waits until it is gone.
    ///
    /// # Panics
    ///
    /// When it cannot be killed.
    pub async fn kill(mut self) -> ProcessLog {
        self.child.kill().await.unwrap();
        self.readers.wait().await;
        self.log.clone()
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

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").parse().unwrap()
}
