//! What an orchestrator asks: is the process up, and may it be sent requests?

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

/// Tells whether an instance takes requests now.
pub(crate) type Ready = Arc<dyn Fn() -> bool + Send + Sync>;

/// Routes for `/healthz`, which answers as long as the process does, and `/readyz`, which says 503 while the
/// instance must get no requests: its backends fail, it was evicted, or it drains.
pub(crate) fn routes(ready: Ready) -> Router {
    let readyz = move || async move {
        if ready() { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") }
    };
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(readyz))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    async fn status(path: &str, ready: bool) -> StatusCode {
        let request = Request::get(path).body(Body::empty()).unwrap();
        routes(Arc::new(move || ready)).oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn readyz_follows_readiness_and_healthz_does_not() {
        assert_eq!(status("/readyz", true).await, StatusCode::OK);
        assert_eq!(status("/readyz", false).await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(status("/healthz", false).await, StatusCode::OK);
    }
}
