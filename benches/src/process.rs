//! A contender's process, and what it takes of the machine.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::Error;
use crate::server::Contender;

/// A serving contender; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    _child: Child,
    stdin: ChildStdin,
    pid: u32,
    pub(crate) ports: Vec<u16>,
}

impl Process {
    pub(crate) async fn start(contender: Contender) -> Result<Self, Error> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", contender.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take().ok_or("the server has no input")?;
        let stdout = child.stdout.take().ok_or("the server has no output")?;
        let pid = child.id().ok_or("the server has ended")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await?;
        let ports = line.split_whitespace().map(str::parse).collect::<Result<Vec<u16>, _>>()?;
        Ok(Process { _child: child, stdin, pid, ports })
    }

    /// Returns a port, spreading callers over all of them.
    pub(crate) fn port(&self, number: usize) -> u16 {
        self.ports.iter().cycle().nth(number % self.ports.len().max(1)).copied().unwrap_or_default()
    }

    /// Lets agents go on that wait.
    pub(crate) async fn go(&mut self) -> Result<(), Error> {
        self.stdin.write_all(b"go\n").await?;
        Ok(self.stdin.flush().await?)
    }

    /// Returns the CPU time that the process has used, in milliseconds.
    pub(crate) fn cpu(&self) -> Result<f64, Error> {
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.pid))? {
            // A thread may end between the two reads.
            let Ok(line) = std::fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            nanoseconds += line.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(nanoseconds as f64 / 1e6)
    }

    /// Returns the resident memory in KiB.
    pub(crate) fn memory(&self) -> Result<f64, Error> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
    }

    /// Returns the resident memory in KiB once it has stopped changing.
    pub(crate) async fn steady_memory(&self) -> Result<f64, Error> {
        let mut last = 0.0;
        loop {
            let now = self.memory()?;
            if (now - last).abs() < 64.0 {
                return Ok(now);
            }
            last = now;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}
