//! Server reflection of gRPC (`grpc.reflection.v1`, and `v1alpha` for older clients): tools such as grpcurl learn the
//! services without the proto files at hand.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::http;
use tonic::server::NamedService;
use tonic_reflection::server::{Builder, Error};
use tower::Service;

/// `a2a.proto` with what it imports, as `protoc --include_imports --descriptor_set_out` writes it, from the SDK's crate
/// `a2a-pb`. A test compares them.
const A2A: &[u8] = include_bytes!("../proto/a2a.v1.binpb");

/// The most bytes of a question, which is a name: anybody may ask, and as many at once as they like.
const QUESTION: usize = 4096;

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
    Router::new().route_service(&format!("/{}/{{method}}", S::NAME), service)
}
