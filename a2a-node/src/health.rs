//! What an orchestrator asks: is the process up, and may it be sent requests?

use std::sync::Arc;

use a2a_cluster::Readiness;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

/// Tells whether an instance takes requests now, and why not.
pub(crate) type Ready = Arc<dyn Fn() -> Readiness + Send + Sync>;

/// Routes for `/healthz`, which answers as long as the process does, and `/readyz`, which says 503 while the
/// instance must get no requests, and why: the store fails, it was evicted, or it drains. The bus is no reason; its state is in
/// the text.
pub(crate) fn routes(ready: Ready) -> Router {
    let readyz = move || async move {
        let readiness = ready();
        let status = if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, format!("{readiness}\n"))
    };
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(readyz))
}

#[cfg(test)]
mod tests {
    use super::*;
    use a2a_cluster::Unready;
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    async fn ask(path: &str, reasons: &'static [Unready]) -> (StatusCode, String) {
        let ready: Ready = Arc::new(|| reasons.iter().copied().collect());
        let answer = routes(ready).oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn readyz_follows_readiness_and_says_why_and_healthz_does_not() {
        assert_eq!(ask("/readyz", &[]).await, (StatusCode::OK, "ready\n".to_owned()));
        let why = "not ready: the instance drains, the store fails\n".to_owned();
        assert_eq!(
            ask("/readyz", &[Unready::Draining, Unready::StoreFails]).await,
            (StatusCode::SERVICE_UNAVAILABLE, why)
        );
        assert_eq!(ask("/healthz", &[Unready::StoreFails]).await.0, StatusCode::OK);
    }
}
