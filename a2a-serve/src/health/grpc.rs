//! The health service of gRPC (`grpc.health.v1`), which load balancers and orchestrators ask.

use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, stream};
use tokio::time::sleep;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::{Answer, Ready};

/// How often it is looked for whoever watches whether anything has changed.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The services of which something is known: the server as a whole, and the protocol's.
const SERVICES: [&str; 2] = ["", "lf.a2a.v1.A2AService"];

/// Health as readiness has it.
#[derive(Clone)]
pub(super) struct GrpcHealth(pub(super) Ready);

type Watched = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Health for GrpcHealth {
    type WatchStream = Watched;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if !SERVICES.contains(&request.get_ref().service.as_str()) {
            return Err(Status::not_found("no such service"));
        }
        Ok(Response::new(response(word(&self.0))))
    }

    /// Tells how it is now, and whenever that changes. A service that is not there may come, so the stream stays open.
    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Watched>, Status> {
        let is_known = SERVICES.contains(&request.get_ref().service.as_str());
        let ready = self.0.clone();
        let told = stream::unfold((ready, None), move |(ready, before)| async move {
            loop {
                let now = if is_known { word(&ready) } else { ServingStatus::ServiceUnknown };
                if before != Some(now) {
                    return Some((Ok(response(now)), (ready, Some(now))));
                }
                sleep(LOOK_EVERY).await;
            }
        });
        Ok(Response::new(Box::pin(told)))
    }
}

fn word(ready: &Ready) -> ServingStatus {
    match ready() {
        Answer::Instance(readiness) if readiness.is_ready() => ServingStatus::Serving,
        Answer::Instance(_) | Answer::Leaving => ServingStatus::NotServing,
    }
}

fn response(word: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: word.into() }
}
