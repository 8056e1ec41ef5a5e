//! A load balancer before the instances, such as one finds before a service: it sends every request to the next one,
//! whatever connection it came by. Where it is told to, it asks each instance whether it is ready, and ends what has
//! been silent for too long.
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

use crate::link::{Protocol, converse};
use crate::sockets::Sockets;

const ANSWERS_WITHIN: Duration = Duration::from_millis(500);
/// How long open connections may last once it stops.
const LAST_WORDS: Duration = Duration::from_millis(100);
const CONNECTS_WITHIN: Duration = Duration::from_secs(1);

/// What a load balancer looks at, besides whose turn it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Watch {
    /// How often it asks instances whether they are ready, and leaves out those that are not.
    pub readiness: Option<Duration>,
    /// After how much silence it ends an answer.
    pub idle: Option<Duration>,
}

/// A running load balancer. Bodies and trailers stream through it in both directions.
#[derive(Debug)]
pub struct LoadBalancer {
    sockets: Sockets,
    shared: Arc<Shared>,
    servers: TaskTracker,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Shared {
    backends: Mutex<Vec<Backend>>,
    next: AtomicUsize,
    unreachable: AtomicUsize,
    idle: Option<Duration>,
    connections: TaskTracker,
}

#[derive(Debug, Clone)]
struct Backend {
    name: String,
    sockets: Sockets,
    ready: bool,
    requests: usize,
}

impl LoadBalancer {
    /// Starts without instances.
    ///
    /// # Errors
    ///
    /// Where there is no free port.
    pub async fn start(watch: Watch) -> std::io::Result<Self> {
        let http = TcpListener::bind("127.0.0.1:0").await?;
        let grpc = TcpListener::bind("127.0.0.1:0").await?;
        let shared = Arc::new(Shared {
            backends: Mutex::default(),
            next: AtomicUsize::new(0),
            unreachable: AtomicUsize::new(0),
            idle: watch.idle,
            connections: TaskTracker::new(),
        });
        let balancer = LoadBalancer {
            sockets: Sockets { http: http.local_addr()?, grpc: grpc.local_addr()? },
            shared: Arc::clone(&shared),
            servers: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        balancer.serve(http, Protocol::Http1);
        balancer.serve(grpc, Protocol::Http2);
        if let Some(every) = watch.readiness {
            let stop = balancer.stop.clone();
            balancer.servers.spawn(async move { stop.run_until_cancelled(shared.look(every)).await });
        }
        Ok(balancer)
    }

    /// Where clients reach it.
    pub fn sockets(&self) -> Sockets {
        self.sockets
    }

    /// Sends requests to this instance, too.
    pub fn add(&self, name: &str, sockets: Sockets) {
        let backend = Backend { name: name.to_owned(), sockets, ready: true, requests: 0 };
        self.shared.with(|backends| backends.push(backend));
    }

    /// How many requests each instance got.
    pub fn requests(&self) -> Vec<usize> {
        self.shared.with(|backends| backends.iter().map(|backend| backend.requests).collect())
    }

    /// How often an instance that it took for ready could not be connected to.
    pub fn unreachable(&self) -> usize {
        self.shared.unreachable.load(Ordering::Relaxed)
    }

    /// Stops serving, and waits until that is so.
    pub async fn stop(self) {
        self.stop.cancel();
        self.servers.close();
        self.servers.wait().await;
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
        self.servers.spawn(a2a_serve::bindings::serve(listener, router, stop, LAST_WORDS));
    }
}

impl Drop for LoadBalancer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut Vec<Backend>) -> T) -> T {
        act(&mut self.backends.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks every instance again and again whether it is ready.
    async fn look(self: Arc<Self>, every: Duration) {
        let client =
            reqwest::Client::builder().no_proxy().timeout(ANSWERS_WITHIN).build().unwrap_or_default();
        let mut turns = interval(every);
        loop {
            turns.tick().await;
            let looks = self.with(|backends| backends.clone()).into_iter().map(|backend| {
                let asked = client.get(format!("http://{}/readyz", backend.sockets.http)).send();
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
    fn candidates(&self, protocol: Protocol) -> Vec<(String, SocketAddr)> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.with(|backends| {
            let ready: Vec<_> = backends.iter().filter(|backend| backend.ready).collect();
            let of = |backend: &&Backend| match protocol {
                Protocol::Http1 => (backend.name.clone(), backend.sockets.http),
                Protocol::Http2 => (backend.name.clone(), backend.sockets.grpc),
            };
            let count = ready.len().max(1);
            ready.iter().cycle().skip(turn % count).take(ready.len()).map(of).collect()
        })
    }

    async fn forward(&self, request: Request, protocol: Protocol) -> Response {
        let mut connection = None;
        for (name, address) in self.candidates(protocol) {
            if let Ok(Ok(stream)) = timeout(CONNECTS_WITHIN, TcpStream::connect(address)).await {
                self.sent_to(&name);
                connection = Some(stream);
                break;
            }
            self.unreachable.fetch_add(1, Ordering::Relaxed);
        }
        let Some(connection) = connection else {
            return (StatusCode::SERVICE_UNAVAILABLE, "no instance is ready").into_response();
        };
        let request = request.map(BodyExt::boxed_unsync);
        let exchange = converse(connection, protocol, request, &self.connections);
        let answer = match self.idle {
            Some(idle) => timeout(idle, exchange).await,
            None => Ok(exchange.await),
        };
        match answer {
            Ok(Ok(response)) => response.map(|body| self.until_idle(body)).into_response(),
            Ok(Err(error)) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
            Err(_) => (StatusCode::GATEWAY_TIMEOUT, "the instance is silent").into_response(),
        }
    }

    fn sent_to(&self, name: &str) {
        self.with(|backends| {
            for backend in backends.iter_mut().filter(|backend| backend.name == name) {
                backend.requests += 1;
            }
        });
    }

    /// Ends a body that has nothing more to say for too long, as an error.
    fn until_idle(&self, body: hyper::body::Incoming) -> axum::body::Body {
        let Some(idle) = self.idle else { return axum::body::Body::new(body) };
        let frames = TryStreamExt::map_err(BodyStream::new(body), axum::Error::new);
        let frames = tokio_stream::StreamExt::timeout(frames, idle);
        let frames = frames.map(|frame| frame.unwrap_or_else(|silent| Err(axum::Error::new(silent))));
        axum::body::Body::new(StreamBody::new(frames.boxed()))
    }
}
