//! Requests without an SDK: the same operation and parameters over any binding, and the answer as it came.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here is a test that fails"
)]

mod answer;
mod failure;
mod grpc;
mod operation;
mod request;
mod rest;

use std::net::SocketAddr;

use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tokio_util::task::TaskTracker;

pub use answer::Answer;
pub use failure::Failure;
pub use operation::Operation;
pub use request::Draft;

use a2a_testworld::link::{Protocol, exchange};
use a2a_testworld::{Binding, Fleet, PATIENCE};

/// Sends requests to one address by one binding.
#[derive(Debug, Clone)]
pub struct Raw {
    binding: Binding,
    address: SocketAddr,
    headers: HeaderMap,
    connections: TaskTracker,
}

impl Raw {
    /// Sends to the proxy of a fleet, with the protocol version that is served.
    pub fn new(fleet: &Fleet, binding: Binding) -> Self {
        let headers = HeaderMap::from_iter([(VERSION, HeaderValue::from_static("1.0"))]);
        Self {
            binding,
            address: fleet.load_balancer().sockets().of(binding),
            headers,
            connections: TaskTracker::new(),
        }
    }

    /// The binding that this speaks.
    pub fn binding(&self) -> Binding {
        self.binding
    }

    /// Sends another header, or gRPC metadata, with every request; `None` leaves it out.
    ///
    /// # Panics
    ///
    /// When the value cannot stand in a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Option<&str>) -> Self {
        let name = HeaderName::from_static(name);
        match value {
            Some(value) => drop(self.headers.insert(name, HeaderValue::from_str(value).unwrap())),
            None => drop(self.headers.remove(name)),
        }
        self
    }

    /// Asks for an operation with parameters in their JSON form, and reads the answer to its end.
    ///
    /// # Panics
    ///
    /// When no whole answer comes.
    pub async fn ask(&self, operation: Operation, params: &Value) -> Answer {
        self.send(Draft::of(self.binding, operation, params)).await
    }

    /// Sends a request as it is drafted, and reads the answer to its end.
    ///
    /// # Panics
    ///
    /// When no whole answer comes.
    pub async fn send(&self, draft: Draft) -> Answer {
        let answer = self.deliver(draft);
        tokio::time::timeout(PATIENCE, answer).await.expect("no answer comes")
    }

    async fn deliver(&self, draft: Draft) -> Answer {
        let protocol = match self.binding {
            Binding::JsonRpc | Binding::Rest => Protocol::Http1,
            Binding::Grpc => Protocol::Http2,
        };
        let uri = match protocol {
            Protocol::Http1 => draft.path.clone(),
            Protocol::Http2 => format!("http://{}{}", self.address, draft.path),
        };
        let mut request = Request::builder().method(draft.method).uri(uri);
        let headers = request.headers_mut().unwrap();
        headers.extend(self.headers.clone());
        headers.extend(draft.headers);
        if protocol == Protocol::Http1 {
            headers.insert(HOST, HeaderValue::from_str(&self.address.to_string()).unwrap());
        }
        let body = Full::new(draft.body).map_err(|never| match never {}).boxed_unsync();
        let request = request.body(body).unwrap();
        let answer = exchange(self.address, protocol, request, &self.connections).await;
        let (head, body) = answer.unwrap().into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        Answer {
            binding: self.binding,
            operation: draft.operation,
            status: head.status,
            headers: head.headers,
            trailers,
            body: body.to_bytes(),
        }
    }
}

const VERSION: HeaderName = HeaderName::from_static("a2a-version");
