//! A JSON-RPC client that keeps its connection and builds nothing of what it reads, so that the servers are measured
//! and not the client.

mod body;
mod heard;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Error;
use body::Body;
pub(crate) use heard::Heard;

/// One connection, with at most one answer under way.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// What was read of an answer's head.
    head: Vec<u8>,
    body: Option<Body>,
    buffer: Box<[u8]>,
}

impl Connection {
    pub(crate) async fn open(port: u16) -> Result<Self, Error> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, head: Vec::new(), body: None, buffer: vec![0; 16 * 1024].into() })
    }

    /// Sends a request; its answer is read next.
    pub(crate) async fn send(&mut self, request: &str) -> Result<(), Error> {
        let request = format!(
            "POST / HTTP/1.1\r\nhost: localhost\r\na2a-version: 1.0\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\ncontent-length: {}\r\n\r\n{request}",
            request.len()
        );
        Ok(self.stream.write_all(request.as_bytes()).await?)
    }

    /// Reads what has arrived. `true`: the answer is complete.
    pub(crate) async fn read(&mut self, heard: &mut Heard) -> Result<bool, Error> {
        let n = self.stream.read(&mut self.buffer).await?;
        if n == 0 {
            return Err("the server closed a connection".into());
        }
        heard.now();
        let mut bytes = self.buffer.get(..n).unwrap_or_default();
        let mut rest = Vec::new();
        if self.body.is_none() {
            self.head.extend_from_slice(bytes);
            let Some(end) = memchr::memmem::find(&self.head, b"\r\n\r\n") else { return Ok(false) };
            rest = self.head.split_off(end + 4);
            self.body = Some(Body::announced_by(&self.head)?);
            self.head.clear();
            bytes = &rest;
        }
        let complete = match &mut self.body {
            Some(body) => body.take(bytes, |text| heard.take(text))?,
            None => false,
        };
        drop(rest);
        if complete {
            heard.end();
            self.body = None;
        }
        Ok(complete)
    }

    /// Sends a request and reads its whole answer.
    pub(crate) async fn call(&mut self, request: &str, heard: &mut Heard) -> Result<(), Error> {
        self.send(request).await?;
        while !self.read(heard).await? {}
        Ok(())
    }
}

/// The request that sends a script to the agent.
pub(crate) fn send_message(method: &str, number: u64, script: &str, at_once: bool) -> String {
    let message =
        json!({"messageId": format!("message-{number}"), "role": "ROLE_USER", "parts": [{"text": script}]});
    let mut params = json!({"message": message});
    if at_once && let Some(params) = params.as_object_mut() {
        params.insert("configuration".into(), json!({"returnImmediately": true}));
    }
    json!({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).to_string()
}

/// The request that subscribes to a task.
pub(crate) fn subscribe(id: &str) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": "SubscribeToTask", "params": {"id": id}}).to_string()
}

/// The request that sends a script to the agent, and has its task's webhook called at a URL.
fn send_with_webhook(number: u64, script: &str, url: &str) -> Result<String, Error> {
    let mut request: Value = serde_json::from_str(&send_message("SendMessage", number, script, true))?;
    let configuration = request.pointer_mut("/params/configuration").and_then(Value::as_object_mut);
    let configuration = configuration.ok_or("a request at once has a configuration")?;
    configuration.insert("taskPushNotificationConfig".into(), json!({"url": url}));
    Ok(request.to_string())
}

/// Starts a task and leaves it alone. Returns its id.
pub(crate) async fn start_task(port: u16, number: u64, script: &str) -> Result<String, Error> {
    start(port, &send_message("SendMessage", number, script, true)).await
}

/// Starts a task that has a webhook at a URL, where there is one.
pub(crate) async fn start_hooked(
    port: u16,
    number: u64,
    script: &str,
    url: Option<&str>,
) -> Result<String, Error> {
    match url {
        Some(url) => start(port, &send_with_webhook(number, script, url)?).await,
        None => start_task(port, number, script).await,
    }
}

async fn start(port: u16, request: &str) -> Result<String, Error> {
    let mut heard = Heard::keeping();
    let mut connection = Connection::open(port).await?;
    connection.call(request, &mut heard).await?;
    let answer: Value = serde_json::from_slice(heard.text())?;
    let id = answer.pointer("/result/task/id").and_then(Value::as_str);
    Ok(id.ok_or_else(|| format!("no task in {answer}"))?.to_owned())
}
