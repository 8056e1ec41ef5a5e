//! One process of `a2a-node serve`, which says where it serves.

use std::net::SocketAddr;
use std::ops::Deref;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use a2a_testworld::Sockets;
use serde::Deserialize;

use super::process::{Launch, Process};
use super::process_log::ProcessLog;

/// A process that has not said by then where it serves never will.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// A running process with one instance.
#[derive(Debug)]
pub struct Node {
    process: Process,
    announced: Announced,
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
    /// Starts a process of `a2a-node serve` and waits until it says that it serves.
    ///
    /// # Errors
    ///
    /// Why it does not, with the end of its log.
    pub async fn start(&self, name: &str) -> Result<Node, String> {
        let (process, mut stdout) = self.spawn(name)?;
        let line = tokio::time::timeout(STARTS_WITHIN, stdout.next_line()).await;
        let line = line.ok().and_then(Result::ok).flatten();
        let announced = line.and_then(|line| serde_json::from_str::<Announcement>(&line).ok());
        match announced.and_then(|announced| announced.instances.into_iter().next()) {
            Some(announced) => Ok(Node { process, announced }),
            None => {
                let (_, log) = process.kill().await;
                Err(format!("{name} does not serve; its last words:\n{}", log.tail()))
            }
        }
    }
}

impl Node {
    /// The id of the instance that serves now: a process that was evicted goes on under another one.
    pub fn id(&self) -> String {
        self.process.log().rejoined_as().unwrap_or_else(|| self.announced.id.clone())
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

    /// Ends it with SIGKILL and waits until it is gone.
    ///
    /// # Panics
    ///
    /// When it cannot be killed, or had ended by itself.
    pub async fn kill(self) -> ProcessLog {
        let (status, log) = self.process.kill().await;
        assert!(status.signal().is_some(), "it had ended with {status}; its last words:\n{}", log.tail());
        log
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
    pub async fn ended(self, patience: Duration) -> Result<(ExitStatus, ProcessLog), String> {
        self.process.ended(patience).await
    }
}

impl Deref for Node {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").parse().unwrap()
}
