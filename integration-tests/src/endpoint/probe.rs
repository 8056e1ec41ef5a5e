//! Asks a server whether it serves, with nothing but a socket: no client and no runtime is needed for it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);

/// Tells whether the server is healthy and answers a call to each service.
pub(super) fn serves(port: u16) -> bool {
    let call = |service: &str, target: &str| {
        let scope = format!("Credential=test/20260101/us-east-1/{service}/aws4_request");
        let head = format!(
            "POST / HTTP/1.1\r\nX-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.0\r\n\
             Authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0\r\n"
        );
        is_ok(port, &head, "{}")
    };
    is_ok(port, "GET /_ministack/health HTTP/1.1\r\n", "")
        && call("dynamodb", "DynamoDB_20120810.ListTables")
        && call("sqs", "AmazonSQS.ListQueues")
}

fn is_ok(port: u16, head: &str, body: &str) -> bool {
    status(port, head, body).is_ok_and(|line| line.contains(" 200"))
}

fn status(port: u16, head: &str, body: &str) -> std::io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let length = body.len();
    write!(
        stream,
        "{head}Host: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
