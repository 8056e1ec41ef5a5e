//! What an orchestrator asks: is the process up, and may it be sent requests?

mod grpc;

use std::sync::Arc;

use a2a_cluster::Readiness;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tonic::server::NamedService;
use tonic_health::pb::health_server::HealthServer;

use self::grpc::GrpcHealth;

/// The most bytes of a question, which is the name of a service: nobody who may ask can make the server keep more of it.
const QUESTION: usize = 1024;

/// Tells whether an instance takes requests now, and why not.
pub(crate) type Ready = Arc<dyn Fn() -> Answer + Send + Sync>;

/// What there is to say.
#[derive(Debug)]
pub(crate) enum Answer {
    /// What the instance says.
    Instance(Readiness),
    /// It still takes requests, and is about to stop: send no more.
    Leaving,
}

impl From<Readiness> for Answer {
    fn from(readiness: Readiness) -> Self {
        Answer::Instance(readiness)
    }
}

/// Routes for the health service of gRPC, which follows readiness, for `/healthz`, which answers as long as the process does, and `/readyz`, which says 503 while the
/// instance must get no requests, and why: the store fails, it was evicted, it drains or is about to. The bus is no reason;
/// its state is in the text.
pub(crate) fn routes(ready: Ready) -> Router {
    let asked = Arc::clone(&ready);
    let readyz = move || async move {
        match asked() {
            Answer::Instance(readiness) if readiness.is_ready() => (StatusCode::OK, format!("{readiness}\n")),
            Answer::Instance(readiness) => (StatusCode::SERVICE_UNAVAILABLE, format!("{readiness}\n")),
            Answer::Leaving => {
                (StatusCode::SERVICE_UNAVAILABLE, "not ready: the instance is about to stop\n".to_owned())
            }
        }
    };
    let health = HealthServer::new(GrpcHealth(ready)).max_decoding_message_size(QUESTION);
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route_service(&format!("/{}/{{method}}", service_name(&health)), health)
}

fn service_name<S: NamedService>(_: &S) -> &'static str {
    S::NAME
}

#[cfg(test)]
mod tests {
    use a2a_cluster::Unready;
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn ask(path: &str, ready: Ready) -> (StatusCode, String) {
        let answer = routes(ready).oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    fn because(reasons: &'static [Unready]) -> Ready {
        Arc::new(|| reasons.iter().copied().collect::<Readiness>().into())
    }

    #[tokio::test]
    async fn readyz_follows_readiness_and_says_why_and_healthz_does_not() {
        assert_eq!(ask("/readyz", because(&[])).await, (StatusCode::OK, "ready\n".to_owned()));
        let why = "not ready: the instance drains, the store fails\n".to_owned();
        let unready = because(&[Unready::Draining, Unready::StoreFails]);
        assert_eq!(ask("/readyz", unready).await, (StatusCode::SERVICE_UNAVAILABLE, why));
        let leaving = ask("/readyz", Arc::new(|| Answer::Leaving)).await;
        assert_eq!(leaving.0, StatusCode::SERVICE_UNAVAILABLE);
        assert!(leaving.1.contains("about to stop"), "{}", leaving.1);
        assert_eq!(ask("/healthz", because(&[Unready::StoreFails])).await.0, StatusCode::OK);
    }
}
