//! Runs MiniStack on a free port for as long as this process lives.
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
use crate::venv;

const STARTS_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(25);
const ATTEMPTS: usize = 3;

const SHIM: &str = "
import os, runpy, sys, threading
def leave_with_parent():
    while os.read(0, 1):
        pass
    os._exit(0)
threading.Thread(target=leave_with_parent, daemon=True).start()
sys.argv = ['ministack']
runpy.run_module('ministack', run_name='__main__')
";

/// Holds the server's standard input open until this process ends.
static RUNNING: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// Starts the server and returns its URL once it serves.
pub(crate) fn url() -> Result<String, String> {
    let python = venv::python()?;
    let mut why = String::new();
    // Somebody else may take the port between our look and the server's start.
    for _ in 0..ATTEMPTS {
        match start(&python) {
            Ok(port) => return Ok(format!("http://127.0.0.1:{port}")),
            Err(error) => why = error,
        }
    }
    Err(why)
}

fn start(python: &Path) -> Result<u16, String> {
    let cannot = |error: std::io::Error| format!("cannot start MiniStack: {error}");
    let port = free_port().map_err(cannot)?;
    let folder = python.with_file_name("run");
    fs::create_dir_all(&folder).map_err(cannot)?;
    let log = folder.join(format!("{port}.log"));
    let output = File::create(&log).map_err(cannot)?;
    let mut child = Command::new(python)
        .args(["-c", SHIM])
        .env("GATEWAY_PORT", port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("SERVICES", "dynamodb,sns,sqs")
        .env("LOG_LEVEL", "ERROR")
        .env("TMPDIR", &folder)
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(output)
        .spawn()
        .map_err(cannot)?;
    let served = await_service(&mut child, port);
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
            Err(format!("MiniStack {why}: {last}"))
        }
    }
}

fn await_service(child: &mut Child, port: u16) -> Result<(), &'static str> {
    let start = Instant::now();
    let probe = Probe::of((Ipv4Addr::LOCALHOST, port).into(), "/_ministack/health");
    while start.elapsed() < STARTS_WITHIN {
        if !matches!(child.try_wait(), Ok(None)) {
            return Err("ended at once");
        }
        if probe.serves() {
            return Ok(());
        }
        thread::sleep(LOOK_EVERY);
    }
    Err("did not serve in time")
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
