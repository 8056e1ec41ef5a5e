//! A reverse proxy that sends every request to the next instance, whatever connection it came by.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http_body_util::BodyExt;
use tokio_util::task::TaskTracker;
use tower::service_fn;

use super::link::{Protocol, exchange};

/// A proxy for one protocol. Bodies and trailers stream through it in both directions.
#[derive(Debug, Clone)]
pub(super) struct Proxy(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    protocol: Protocol,
    backends: Vec<Backend>,
    next: AtomicUsize,
    connections: TaskTracker,
}

#[derive(Debug)]
struct Backend {
    address: SocketAddr,
    requests: AtomicUsize,
}

impl Proxy {
    pub(super) fn new(protocol: Protocol, addresses: Vec<SocketAddr>) -> Self {
        let backend = |address| Backend { address, requests: AtomicUsize::new(0) };
        let backends = addresses.into_iter().map(backend).collect();
        Self(Arc::new(Shared {
            protocol,
            backends,
            next: AtomicUsize::new(0),
            connections: TaskTracker::new(),
        }))
    }

    /// How many requests each backend got.
    pub(super) fn requests(&self) -> Vec<usize> {
        self.0.backends.iter().map(|backend| backend.requests.load(Ordering::Relaxed)).collect()
    }

    pub(super) fn router(self) -> Router {
        Router::new().fallback_service(service_fn(move |request| {
            let proxy = self.clone();
            async move { Ok::<_, Infallible>(proxy.forward(request).await) }
        }))
    }

    async fn forward(&self, request: Request) -> Response {
        let turn = self.0.next.fetch_add(1, Ordering::Relaxed);
        let backend = &self.0.backends[turn % self.0.backends.len()];
        backend.requests.fetch_add(1, Ordering::Relaxed);
        let request = request.map(BodyExt::boxed_unsync);
        match exchange(backend.address, self.0.protocol, request, &self.0.connections).await {
            Ok(response) => response.map(axum::body::Body::new).into_response(),
            // No instance answers with this status, so a test that sees it knows where it came from.
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        }
    }
}
