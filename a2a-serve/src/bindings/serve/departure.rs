//! How a server takes leave of its peers: step by step, so that none of them loses a request.
//!
//! A load balancer of requests looks whether the server is ready, and sends none any more. One of connections does so for
//! new connections only: those that clients keep lead here until somebody ends them.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Response, Version};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;

use super::http1;

/// Three tokens, cancelled one after another; with each of them those above it.
#[derive(Debug, Clone)]
pub(crate) struct Departure {
    /// Cancelled when the server is about to stop. From then on each HTTP/1 answer says that its connection ends with it: the
    /// client loses nothing, and comes again by another.
    pub(crate) leaving: CancellationToken,
    /// Cancelled when load balancers have seen that. The connections that are open then end once nothing is in flight on them:
    /// HTTP/2 peers are told, and idle ones of HTTP/1 close. Others are still taken.
    pub(crate) parting: CancellationToken,
    /// Cancelled when no connection is taken any more.
    pub(crate) closing: CancellationToken,
}

impl Departure {
    /// The steps that come before `closing`.
    pub(crate) fn before(closing: CancellationToken) -> Self {
        let parting = closing.child_token();
        Departure { leaving: parting.child_token(), parting, closing }
    }

    /// For a connection whose first request is its last: it leaves from the beginning, and parts when the request has come.
    pub(super) fn of_one_request(&self) -> Self {
        let leaving = CancellationToken::new();
        leaving.cancel();
        Departure { leaving, parting: self.of_a_connection().child_token(), closing: self.closing.clone() }
    }

    /// What ends a connection that is opened now.
    pub(super) fn of_a_connection(&self) -> &CancellationToken {
        // Who comes after the parting, to ask whether the server lives perhaps, is let speak.
        if self.parting.is_cancelled() { &self.closing } else { &self.parting }
    }

    /// Answers a request.
    pub(super) async fn answer(
        self,
        router: Router,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let keeps_its_connection = request.version() >= Version::HTTP_2;
        let mut answer = http1::answer(router, request).await?;
        if !keeps_its_connection && self.leaving.is_cancelled() {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(answer)
    }
}
