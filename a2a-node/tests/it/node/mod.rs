//! Runs the real binary and talks to it.

use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use a2a_testworld::client::{card_at, connect, http};
use a2a_testworld::{Binding, Client};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// What takes longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// Bounds the wait for anything that a test waits for.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("this hangs")
}

/// Text that a process wrote.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The binary, shielded from the settings of whoever runs the tests.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_a2a-node"));
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("A2A_") || name.starts_with("OTEL_"))
    {
        command.env_remove(name);
    }
    command.args(arguments).kill_on_drop(true).stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) async fn run(arguments: &[&str]) -> Output {
    soon(command(arguments).output()).await.unwrap()
}

/// What an instance says about itself in the start-up line.
#[derive(Debug, Deserialize)]
pub(crate) struct Announced {
    pub id: String,
    pub http: String,
    pub grpc: Option<String>,
}

#[derive(Deserialize)]
struct Announcement {
    instances: Vec<Announced>,
}

/// A process that serves.
pub(crate) struct Node {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Option<AbortOnDropHandle<String>>,
    pub instances: Vec<Announced>,
}

impl Node {
    /// Serves on free ports.
    pub(crate) async fn serve(flags: &[&str]) -> Self {
        let arguments = [&["serve", "--listen", "127.0.0.1:0", "--drain-delay", "0"], flags].concat();
        Self::start(&mut command(&arguments)).await
    }

    /// Starts the process and waits for its start-up line.
    pub(crate) async fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        // From the start: a process whose pipe is full stands still.
        let stderr =
            child.stderr.take().map(|pipe| AbortOnDropHandle::new(TaskTracker::new().spawn(all(pipe))));
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = soon(stdout.next_line()).await.unwrap().expect("no start-up line");
        let Announcement { instances } = serde_json::from_str(&line).unwrap();
        Self { child, stdout, stderr, instances }
    }

    /// All that it writes to stderr until it ends, where that is piped.
    pub(crate) fn stderr(&mut self) -> impl Future<Output = String> + use<> {
        let stderr = self.stderr.take().expect("stderr is not piped");
        async move { soon(stderr).await.unwrap() }
    }

    /// Sends SIGTERM.
    pub(crate) async fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id().expect("it has ended"));
        let status = Command::new("sh").args(["-c", &kill]).status().await.unwrap();
        assert!(status.success());
    }

    /// Kills the process as nothing can be caught, and waits until it is gone.
    #[cfg(feature = "aws")]
    pub(crate) async fn kill(&mut self) {
        soon(self.child.kill()).await.unwrap();
    }

    /// Waits until the process ends. Nothing may follow the start-up line on stdout.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        let status = soon(self.child.wait()).await.unwrap();
        assert_eq!(soon(self.stdout.next_line()).await.unwrap(), None);
        status
    }

    /// Asks for a path of an instance by HTTP.
    pub(crate) async fn get(&self, instance: usize, path: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.instances[instance].http);
        soon(http().get(url).send()).await.unwrap()
    }

    /// Connects to an instance as its card says.
    pub(crate) async fn client(&self, instance: usize, binding: Binding) -> Client {
        let card = soon(card_at(&self.instances[instance].http)).await;
        soon(connect(&card, binding, None)).await.unwrap()
    }
}

async fn all(mut pipe: ChildStderr) -> String {
    let mut text = String::new();
    pipe.read_to_string(&mut text).await.unwrap();
    text
}
