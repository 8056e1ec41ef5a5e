//! A load balancer before the instances, such as one finds before a service: it asks each instance whether it is
//! ready, sends every request to the next one that is, and ends what has been silent for too long.
//!
//! Where it cannot connect it tries the next instance. A request that an instance may have got is never sent again:
//! that is for the client to decide.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, TryStreamExt};
use http::StatusCode;
use http_body_util::{BodyExt, BodyStream, StreamBody};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::service_fn;

use super::node::Node;
use crate::fleet::{Protocol, converse};

const LOOK_EVERY: Duration = Duration::from_millis(200);
const ANSWERS_WITHIN: Duration = Duration::from_millis(500);
const CONNECTS_WITHIN: Duration = Duration::from_secs(1);

/// A running load balancer.
#[derive(Debug)]
pub struct Front {
    http: SocketAddr,
    grpc: SocketAddr,
    shared: Arc<Shared>,
    servers: TaskTracker,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Shared {
    backends: Mutex<Vec<Backend>>,
    next: AtomicUsize,
    idle: Duration,
    connections: TaskTracker,
}

#[derive(Debug, Clone)]
struct Backend {
    name: String,
    http: SocketAddr,
    grpc: SocketAddr,
    ready: bool,
}

impl Front {
    /// Starts without instances. What is silent for longer than `idle` is ended.
    ///
    /// # Errors
    ///
    /// Where there is no free port.
    pub async fn start(idle: Duration) -> std::io::Result<Self> {
        let http = TcpListener::bind("127.0.0.1:0").await?;
        let grpc = TcpListener::bind("127.0.0.1:0").await?;
        let shared = Arc::new(Shared {
            backends: Mutex::default(),
            next: AtomicUsize::new(0),
            idle,
            connections: TaskTracker::new(),
        });
        let front = Front {
            http: http.local_addr()?,
            grpc: grpc.local_addr()?,
            shared: Arc::clone(&shared),
            servers: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        front.serve(http, Protocol::Http1);
        front.serve(grpc, Protocol::Http2);
        let stop = front.stop.clone();
        front.servers.spawn(async move { stop.run_until_cancelled(shared.look()).await });
        Ok(front)
    }

    /// Where clients reach JSON-RPC and REST.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where clients reach gRPC.
    pub fn grpc(&self) -> SocketAddr {
        self.grpc
    }

    /// Sends requests to this instance, too.
    pub fn add(&self, node: &Node) {
        let backend =
            Backend { name: node.name().to_owned(), http: node.http(), grpc: node.grpc(), ready: true };
        self.shared.with(|backends| backends.push(backend));
    }

    /// Sends no more requests to this instance.
    pub fn remove(&self, name: &str) {
        self.shared.with(|backends| backends.retain(|backend| backend.name != name));
    }

    /// The instances that are ready.
    pub fn ready(&self) -> Vec<String> {
        let names = |backends: &mut Vec<Backend>| {
            backends.iter().filter(|backend| backend.ready).map(|backend| backend.name.clone()).collect()
        };
        self.shared.with(names)
    }

    fn serve(&self, listener: TcpListener, protocol: Protocol) {
        let (shared, stop) = (Arc::clone(&self.shared), self.stop.clone());
        let router = Router::new().fallback_service(service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { Ok::<_, Infallible>(shared.forward(request, protocol).await) }
        }));
        self.servers.spawn(a2a_cluster::bindings::serve(listener, router, stop, Duration::ZERO));
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut Vec<Backend>) -> T) -> T {
        act(&mut self.backends.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks every instance again and again whether it is ready.
    async fn look(self: Arc<Self>) {
        let client =
            reqwest::Client::builder().no_proxy().timeout(ANSWERS_WITHIN).build().unwrap_or_default();
        let mut turns = interval(LOOK_EVERY);
        loop {
            turns.tick().await;
            let looks = self.with(|backends| backends.clone()).into_iter().map(|backend| {
                let asked = client.get(format!("http://{}/readyz", backend.http)).send();
                async move { (backend.name, asked.await.is_ok_and(|answer| answer.status().is_success())) }
            });
            let seen: Vec<_> = futures::future::join_all(looks).await;
            self.with(|backends| {
                for backend in backends {
                    let seen = seen.iter().find(|(name, _)| *name == backend.name);
                    backend.ready = seen.map_or(backend.ready, |(_, ready)| *ready);
                }
            });
        }
    }

    /// The instances to try, the next one first.
    fn candidates(&self, protocol: Protocol) -> Vec<SocketAddr> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.with(|backends| {
            let ready: Vec<_> = backends.iter().filter(|backend| backend.ready).collect();
            let of = |backend: &Backend| match protocol {
                Protocol::Http1 => backend.http,
                Protocol::Http2 => backend.grpc,
            };
            let count = ready.len().max(1);
            ready.iter().cycle().skip(turn % count).take(ready.len()).map(|backend| of(backend)).collect()
        })
    }

    async fn forward(&self, request: Request, protocol: Protocol) -> Response {
        let mut connection = None;
        for address in self.candidates(protocol) {
            if let Ok(Ok(stream)) = timeout(CONNECTS_WITHIN, TcpStream::connect(address)).await {
                connection = Some(stream);
                break;
            }
        }
        let Some(connection) = connection else {
            return (StatusCode::SERVICE_UNAVAILABLE, "no instance is ready").into_response();
        };
        let request = request.map(BodyExt::boxed_unsync);
        let exchange = converse(connection, protocol, request, &self.connections);
        match timeout(self.idle, exchange).await {
            Ok(Ok(response)) => response.map(|body| self.until_idle(body)).into_response(),
            Ok(Err(error)) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
            Err(_) => (StatusCode::GATEWAY_TIMEOUT, "the instance is silent").into_response(),
        }
    }

    /// Ends a body that has nothing more to say for too long, as an error.
    fn until_idle(&self, body: hyper::body::Incoming) -> axum::body::Body {
        let frames = TryStreamExt::map_err(BodyStream::new(body), axum::Error::new);
        let frames = tokio_stream::StreamExt::timeout(frames, self.idle);
        let frames = frames.map(|frame| frame.unwrap_or_else(|silent| Err(axum::Error::new(silent))));
        axum::body::Body::new(StreamBody::new(frames.boxed()))
    }
}
