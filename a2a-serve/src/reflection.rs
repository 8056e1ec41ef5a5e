//! Server reflection of gRPC (`grpc.reflection.v1`, and `v1alpha` for older clients): tools such as grpcurl learn the
//! services without the proto files at hand.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http;
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tonic::Status;
use tonic::server::NamedService;
use tonic_reflection::server::{Builder, Error};
use tower::{Service, service_fn};

/// `a2a.proto` with what it imports, as `protoc --include_imports --descriptor_set_out` writes it, from the SDK's crate
/// `a2a-pb`. A test compares them.
const A2A: &[u8] = include_bytes!("../proto/a2a.v1.binpb");

/// The most bytes of a question, which is a name: anybody may ask, and as many at once as they like.
const QUESTION: usize = 4096;
/// How many streams may ask at the same time, each version by itself. One holds up to three answers, and an answer is as large as
/// the services' descriptions, however slowly it is taken.
const STREAMS: usize = 64;

/// The routes to it. What they show is public, like the protocol.
pub(crate) fn routes() -> Router {
    services().unwrap_or_else(|error| {
        tracing::error!(%error, "server reflection is not served");
        Router::new()
    })
}

fn services() -> Result<Router, Error> {
    Ok(Router::new()
        .merge(route(builder().build_v1()?.max_decoding_message_size(QUESTION)))
        .merge(route(builder().build_v1alpha()?.max_decoding_message_size(QUESTION))))
}

fn builder() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(A2A)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

fn route<S>(service: S) -> Router
where
    S: Service<Request, Error = Infallible, Response = http::Response<tonic::body::Body>>
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let places = Arc::new(Semaphore::new(STREAMS));
    let bounded = service_fn(move |request: Request| {
        let (mut service, place) = (service.clone(), Arc::clone(&places).try_acquire_owned());
        async move {
            let Ok(place) = place else {
                return Ok(Status::unavailable("too many streams ask for descriptions").into_http::<Body>());
            };
            let answer = service.call(request).await?;
            Ok::<_, Infallible>(answer.map(|body| {
                Body::new(body.map_frame(move |frame| {
                    // Taken for as long as the stream is open.
                    let _ = &place;
                    frame
                }))
            }))
        }
    });
    Router::new().route_service(&format!("/{}/{{method}}", S::NAME), bounded)
}
