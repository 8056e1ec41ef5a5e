//! One HTTP request over a connection of its own.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::TaskTracker;

/// The body of a request that goes out.
pub type Body = UnsyncBoxBody<Bytes, axum::Error>;

/// The version of HTTP that a connection speaks from its first byte on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS.
    Http2,
}

/// Connects, sends one request, and returns the head of its answer; the body follows as it is read. The tracker's
/// tasks end when the answer does, or is dropped.
///
/// # Errors
///
/// Those of connecting, and of HTTP.
pub async fn exchange(
    address: SocketAddr,
    protocol: Protocol,
    request: Request<Body>,
    connections: &TaskTracker,
) -> Result<Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
    converse(TcpStream::connect(address).await?, protocol, request, connections).await
}

/// Sends one request over a new connection and returns the head of its answer; the body follows as it is read. The
/// tracker's tasks end when the answer does, or is dropped.
///
/// # Errors
///
/// Those of HTTP. The server may have got the request.
pub async fn converse(
    stream: TcpStream,
    protocol: Protocol,
    request: Request<Body>,
    connections: &TaskTracker,
) -> Result<Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let stream = TokioIo::new(stream);
    let answer = match protocol {
        Protocol::Http1 => {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
            connections.spawn(connection);
            sender.send_request(request).await
        }
        Protocol::Http2 => {
            let tasks = Tasks(connections.clone());
            let (mut sender, connection) = hyper::client::conn::http2::handshake(tasks, stream).await?;
            connections.spawn(connection);
            sender.send_request(request).await
        }
    };
    Ok(answer?)
}

#[derive(Debug, Clone)]
struct Tasks(TaskTracker);

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, work: F) {
        self.0.spawn(work);
    }
}
