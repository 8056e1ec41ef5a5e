//! A connection beyond the bound: it is for one question after the server's health, and short.

use std::convert::Infallible;
use std::time::Duration;

use a2a_cluster::unavailable;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;
use tower::{Service, service_fn};

use super::slots::Slot;
use crate::bindings::content::ROOM_AGAIN;
use crate::bindings::discard::discard;
use crate::bindings::grpc::is_grpc;
use crate::bindings::grpc_service::status;

/// For how long it lives, all in all.
const LONGEST: Duration = Duration::from_secs(5);
/// What is answered on it. Who watches would keep it.
const HEALTH: [&str; 3] = ["/healthz", "/readyz", "/grpc.health.v1.Health/Check"];

/// What is served beyond the bound: health, and to everybody else that there is no room.
pub(super) fn health_only(router: &Router) -> Router {
    let router = router.clone();
    Router::new().fallback_service(service_fn(move |mut request: Request| {
        let mut router = router.clone();
        async move {
            if HEALTH.contains(&request.uri().path()) {
                return router.call(request).await;
            }
            if is_grpc(request.headers()) {
                return Ok(status(&unavailable(ROOM_AGAIN)).into_http::<Body>());
            }
            Box::pin(discard(&mut request)).await;
            let advice = [(RETRY_AFTER, HeaderValue::from_static("1"))];
            let refused: Response =
                (StatusCode::SERVICE_UNAVAILABLE, advice, "too many connections\n").into_response();
            Ok::<_, Infallible>(refused)
        }
    }))
}

/// Lets a connection live in its place: one beyond the bound until somebody else needs that, and never for long.
pub(super) async fn live_in(slot: Slot, connection: impl Future<Output = ()>) {
    if !slot.is_reserved() {
        return connection.await;
    }
    let cut = slot.gives_way.run_until_cancelled(timeout(LONGEST, connection)).await;
    if !matches!(cut, Some(Ok(()))) {
        tracing::debug!("too many connections: one more is closed");
    }
}
