//! How much memory an idle open stream takes.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::Error;
use crate::server::Kind;

/// Opens streams on each server in turn, and prints what they cost.
pub(crate) async fn compare(streams: usize, tasks: usize) -> Result<(), Error> {
    println!("{streams} idle streams over {tasks} tasks, resident memory of the server");
    println!(
        "{:<10} {:>12} {:>12} {:>14} {:>8}",
        "server", "before, MiB", "after, MiB", "per stream, KB", "ratio"
    );
    let mut floor = None;
    for kind in Kind::ALL {
        let (before, after) = measure(kind, streams, tasks).await?;
        let per_stream = (after - before) / streams as f64;
        let floor = *floor.get_or_insert(per_stream);
        println!(
            "{:<10} {:>12.1} {:>12.1} {:>14.2} {:>8.2}",
            kind.name(),
            before / 1024.0,
            after / 1024.0,
            per_stream,
            per_stream / floor
        );
    }
    Ok(())
}

/// Returns the server's resident memory in KiB with the tasks running, without and with the streams.
async fn measure(kind: Kind, streams: usize, tasks: usize) -> Result<(f64, f64), Error> {
    let mut server = Command::new(std::env::current_exe()?)
        .args(["serve", kind.name()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = server.stdout.take().ok_or("the server has no output")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).await?;
    let port: u16 = line.trim().parse()?;

    let mut ids = Vec::new();
    for n in 0..tasks.max(1) {
        ids.push(if kind == Kind::Floor { String::new() } else { start_task(port, n).await? });
    }
    let before = settled(&server).await?;
    let mut open = Vec::with_capacity(streams);
    for (n, id) in (0..streams).zip(ids.iter().cycle()) {
        let body = json!({"jsonrpc": "2.0", "id": n, "method": "SubscribeToTask", "params": {"id": id}});
        let mut stream = send(port, &body).await?;
        read_until(&mut stream, b"data:").await?;
        open.push(stream);
    }
    let after = settled(&server).await?;
    drop(open);
    server.kill().await?;
    Ok((before, after))
}

async fn start_task(port: u16, n: usize) -> Result<String, Error> {
    let message = json!({"messageId": format!("m{n}"), "role": "ROLE_USER", "parts": [{"text": "wait"}]});
    let params = json!({"message": message, "configuration": {"returnImmediately": true}});
    let body = json!({"jsonrpc": "2.0", "id": n, "method": "SendMessage", "params": params});
    let mut stream = send(port, &body).await?;
    let answer = read_until(&mut stream, b"\r\n\r\n{").await?;
    let text = String::from_utf8(answer)?;
    let json = text.split("\r\n\r\n").nth(1).ok_or("an answer has a body")?;
    let answer: Value = serde_json::from_str(json)?;
    let id = answer
        .pointer("/result/task/id")
        .and_then(Value::as_str)
        .ok_or_else(|| format!("no task in {answer}"))?;
    Ok(id.to_owned())
}

async fn send(port: u16, body: &Value) -> Result<TcpStream, Error> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let body = body.to_string();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\na2a-version: 1.0\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    Ok(stream)
}

/// Reads until a pattern has come and nothing more waits.
async fn read_until(stream: &mut TcpStream, pattern: &[u8]) -> Result<Vec<u8>, Error> {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    while !read.windows(pattern.len()).any(|window| window == pattern) {
        let n = stream.read(&mut buffer).await?;
        if n == 0 {
            return Err(format!("the server closed after {}", String::from_utf8_lossy(&read)).into());
        }
        read.extend(buffer.iter().take(n));
    }
    while let Ok(n @ 1..) = stream.try_read(&mut buffer) {
        read.extend(buffer.iter().take(n));
    }
    Ok(read)
}

/// Reads a process's resident memory in KiB once it has stopped changing.
async fn settled(server: &Child) -> Result<f64, Error> {
    let pid = server.id().ok_or("the server has ended")?;
    let mut last = 0.0;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let now: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        if (now - last).abs() < 64.0 {
            return Ok(now);
        }
        last = now;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
