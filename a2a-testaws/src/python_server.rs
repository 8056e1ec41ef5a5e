//! Runs a server that is a module of Python, on a free port, for as long as this process lives.
//!
//! The server ends itself when its standard input closes, and we hold the other end of that pipe: however this
//! process ends, by a panic or a kill, the kernel closes the pipe.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::probe::Probe;
use crate::say::say;
use crate::service::Service;

const LOOK_EVERY: Duration = Duration::from_millis(25);
const ATTEMPTS: usize = 3;

const SHIM: &str = "
import os, runpy, sys, threading
def leave_with_parent():
    while os.read(0, 1):
        pass
    os._exit(0)
threading.Thread(target=leave_with_parent, daemon=True).start()
module = sys.argv[1]
sys.argv = [module]
runpy.run_module(module, run_name='__main__')
";

/// Holds the servers' standard input open until this process ends.
static RUNNING: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// A server.
#[derive(Debug)]
pub(crate) struct PythonServer {
    /// What people call it.
    pub(crate) name: &'static str,
    /// The module that is run.
    pub(crate) module: &'static str,
    /// The path of its own word on its health.
    pub(crate) health: &'static str,
    /// What must be answered before it is said to serve.
    pub(crate) services: &'static [Service],
    pub(crate) starts_within: Duration,
    /// What it is told in its environment, for a port.
    pub(crate) environment: fn(u16) -> Vec<(&'static str, String)>,
}

impl PythonServer {
    /// Starts it with a Python that has the module; returns its URL once it serves.
    pub(crate) fn start(&self, python: &Path) -> Result<String, String> {
        let mut why = String::new();
        // Somebody else may take the port between our look and the server's start.
        for _ in 0..ATTEMPTS {
            match self.try_start(python) {
                Ok(port) => return Ok(format!("http://127.0.0.1:{port}")),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    fn try_start(&self, python: &Path) -> Result<u16, String> {
        let cannot = |error: std::io::Error| format!("cannot start {}: {error}", self.name);
        let port = free_port().map_err(cannot)?;
        let folder = python.with_file_name("run");
        fs::create_dir_all(&folder).map_err(cannot)?;
        let log = folder.join(format!("{port}.log"));
        let output = File::create(&log).map_err(cannot)?;
        let mut child = Command::new(python)
            .args(["-c", SHIM, self.module])
            .envs((self.environment)(port))
            .env("TMPDIR", &folder)
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .map_err(cannot)?;
        let served = self.await_service(&mut child, port);
        let said = fs::read_to_string(&log).unwrap_or_default();
        // The server keeps writing into the removed file, which goes with it.
        let _ = fs::remove_file(&log);
        match served {
            Ok(()) => {
                if let Ok(mut running) = RUNNING.lock() {
                    running.push(child);
                }
                Ok(port)
            }
            Err(why) => {
                let _ = child.kill();
                let _ = child.wait();
                let last = said.lines().last().unwrap_or_default().to_owned();
                Err(format!("{} {why}: {last}", self.name))
            }
        }
    }

    fn await_service(&self, child: &mut Child, port: u16) -> Result<(), &'static str> {
        let start = Instant::now();
        let probe = Probe::of((Ipv4Addr::LOCALHOST, port).into(), self.health);
        while start.elapsed() < self.starts_within {
            if !matches!(child.try_wait(), Ok(None)) {
                return Err("ended at once");
            }
            if probe.serves(self.services) {
                if start.elapsed() > Duration::from_secs(5) {
                    say(&format!("{} serves after {:.0?}", self.name, start.elapsed()));
                }
                return Ok(());
            }
            thread::sleep(LOOK_EVERY);
        }
        Err("did not serve in time")
    }
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
