//! Asks a server whether it serves, with nothing but a socket: no client and no runtime is needed for it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::service::Service;

const PATIENCE: Duration = Duration::from_secs(2);

const JSON: &str = "application/x-amz-json-1.0";
const FORM: &str = "application/x-www-form-urlencoded";

/// Where to ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probe {
    address: SocketAddr,
    health: &'static str,
}

impl Probe {
    /// Asks this server, whose own word on its health is at `health`.
    pub(crate) fn of(address: SocketAddr, health: &'static str) -> Self {
        Probe { address, health }
    }

    /// Tells whether the server is healthy and answers a call to each of these services.
    pub(crate) fn serves(&self, services: &[Service]) -> bool {
        self.is_ok(&format!("GET {} HTTP/1.1\r\n", self.health), "")
            && services.iter().all(|service| self.answers(*service))
    }

    fn answers(&self, service: Service) -> bool {
        match service {
            Service::DynamoDb => {
                self.call("dynamodb", "X-Amz-Target: DynamoDB_20120810.ListTables\r\n", JSON, "{}")
            }
            Service::Sqs => self.call("sqs", "X-Amz-Target: AmazonSQS.ListQueues\r\n", JSON, "{}"),
            Service::Sns => self.call("sns", "", FORM, "Action=ListTopics&Version=2010-03-31"),
        }
    }

    fn call(&self, service: &str, header: &str, media_type: &str, body: &str) -> bool {
        let scope = format!("Credential=test/20260101/us-east-1/{service}/aws4_request");
        let head = format!(
            "POST / HTTP/1.1\r\n{header}Content-Type: {media_type}\r\n\
             Authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0\r\n"
        );
        self.is_ok(&head, body)
    }

    fn is_ok(&self, head: &str, body: &str) -> bool {
        self.status(head, body).is_ok_and(|line| line.contains(" 200"))
    }

    fn status(&self, head: &str, body: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let (host, length) = (self.address, body.len());
        write!(stream, "{head}Host: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")?;
        let mut answer = Vec::new();
        stream.take(64 * 1024).read_to_end(&mut answer)?;
        let text = String::from_utf8_lossy(&answer);
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }
}
