//! The gRPC service to put on a server: bounded in size, and telling clients whose mistake an unreadable message is.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use a2a::A2AError;
use a2a_cluster::unavailable;
use a2a_grpc::errors::a2a_error_to_status;
use a2a_pb::proto::a2a_service_server::A2aServiceServer;
use a2a_server::RequestHandler;
use axum::body::HttpBody;
use axum::http::header::CONTENT_TYPE;
use axum::http::{self, HeaderMap, HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use tokio::time::timeout;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::{Code, Status};
use tower::Service;

use super::answer_body::{Outgoing, Sending, held_by};
use super::call::service_params;
use super::content::{BODY_PATIENCE, ROOM_AGAIN};
use super::edge::Edge;
use super::grpc_compression;
use super::grpc_service::{Admitted, GrpcHandler, status};
use super::in_flight::InFlight;
use super::limits::RequestLimits;
use super::stream_body::StreamBody;
use super::weight::TOO_MANY_VALUES;
use super::weight::proto::{self, Kind};
use super::whole_body::{Unread, collect};

const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// Builds the service that serves `handler` over gRPC.
///
/// ```
/// use std::sync::Arc;
/// use a2a_serve::bindings::{RequestLimits, grpc_service};
/// use a2a_server::RequestHandler;
///
/// /// A router for [`a2a_serve::bindings::serve`].
/// fn router<H: RequestHandler>(handler: Arc<H>) -> axum::Router {
///     tonic::service::Routes::new(grpc_service(handler, &RequestLimits::default())).into_axum_router()
/// }
/// ```
pub fn grpc_service<H: RequestHandler>(handler: Arc<H>, limits: &RequestLimits) -> GrpcService<H> {
    GrpcService::new(Edge::new(handler, *limits, None))
}

/// `A2AService` over gRPC. Made by [`grpc_service`], served by tonic's server or, as a router, by
/// [`serve`](super::serve()).
pub struct GrpcService<H: RequestHandler> {
    tonic: A2aServiceServer<GrpcHandler<H>>,
    edge: Arc<Edge<H>>,
}

impl<H: RequestHandler> GrpcService<H> {
    pub(super) fn new(edge: Edge<H>) -> Self {
        let service = GrpcHandler::new(edge.limits);
        let tonic = A2aServiceServer::new(service).max_decoding_message_size(edge.limits.max_body_bytes);
        GrpcService { tonic, edge: Arc::new(edge) }
    }
}

impl<H: RequestHandler> Clone for GrpcService<H> {
    fn clone(&self) -> Self {
        Self { tonic: self.tonic.clone(), edge: Arc::clone(&self.edge) }
    }
}

impl<H: RequestHandler> fmt::Debug for GrpcService<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcService").finish_non_exhaustive()
    }
}

impl<H: RequestHandler> NamedService for GrpcService<H> {
    const NAME: &'static str = <A2aServiceServer<GrpcHandler<H>> as NamedService>::NAME;
}

type Answer = http::Response<Body>;

impl<H, B> Service<http::Request<B>> for GrpcService<H>
where
    H: RequestHandler,
    B: HttpBody<Data: Send> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Answer, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<http::Request<B>>::poll_ready(&mut self.tonic, context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        if is_grpc(request.headers()) {
            self.call_whole(request)
        } else {
            let mut refusal = Answer::default();
            *refusal.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            std::future::ready(Ok(refusal)).boxed()
        }
    }
}

impl<H: RequestHandler> GrpcService<H> {
    /// Finds out who calls, reads a request, and lets tonic decode it unless it is more than one message, or would become too large.
    ///
    /// Tonic sees no trailers: it would let them take the place of metadata, and who calls is read from that.
    fn call_whole<B>(&self, request: http::Request<B>) -> BoxFuture<'static, Result<Answer, Infallible>>
    where
        B: HttpBody<Data: Send> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let (mut tonic, edge) = (self.tonic.clone(), Arc::clone(&self.edge));
        async move {
            let outgoing = Outgoing::of(&edge.going_out, &request);
            let (mut head, body) = request.into_parts();
            let params = service_params(&head.headers);
            let handler = match edge.admit(&params).await {
                Ok(handler) => handler,
                Err(error) => return Ok(status(&error).into_http()),
            };
            if let Some(refusal) = grpc_compression::refusal(&head.headers) {
                return Ok(refusal.into_http());
            }
            let limit = edge.limits.max_body_bytes;
            let mut body = std::pin::pin!(body);
            let (body, held) =
                match timeout(BODY_PATIENCE, collect(&mut body, limit + FRAME_HEAD, &edge.in_flight)).await {
                    Ok(Ok(read)) => read,
                    Ok(Err(Unread::TooLarge)) => {
                        let error = format!("the message is larger than {limit} bytes");
                        return Ok(status(&A2AError::invalid_request(error)).into_http());
                    }
                    Ok(Err(Unread::NoRoom)) => return Ok(status(&unavailable(ROOM_AGAIN)).into_http()),
                    Ok(Err(Unread::BrokenOff)) => {
                        let error = A2AError::invalid_params("the message broke off before its end");
                        return Ok(status(&error).into_http());
                    }
                    Err(_) => return Ok(Status::deadline_exceeded("the message took too long").into_http()),
                };
            if let Some(refusal) = grpc_compression::refusal_of_message(&body) {
                return Ok(refusal.into_http());
            }
            // What is not a plain frame tonic refuses.
            if let Some((&[0, a, b, c, d], message)) = body.split_first_chunk::<FRAME_HEAD>() {
                if u64::from(u32::from_be_bytes([a, b, c, d])) < message.len() as u64 {
                    let error = A2AError::invalid_request("a request is one message");
                    return Ok(status(&error).into_http());
                }
                let kind = Kind::of_method(head.uri.path());
                if kind.is_some_and(|kind| !proto::is_within(kind, message)) {
                    return Ok(status(&A2AError::invalid_request(TOO_MANY_VALUES)).into_http());
                }
            }
            let (handler, _held) = edge.holding(handler, Some(held));
            head.extensions.insert(Admitted { handler, params, outgoing });
            let answer = tonic.call(http::Request::from_parts(head, Full::new(body))).await;
            answer.map(|answer| hold_room(blame_the_message(answer), &edge.streamed))
        }
        .boxed()
    }
}

/// What an answer holds is held by its bytes, until they are sent.
fn hold_room(mut answer: Answer, streamed: &InFlight) -> Answer {
    match answer.extensions_mut().remove::<Arc<Sending>>() {
        Some(sending) => answer.map(|body| Body::new(body.map_frame(move |frame| held_by(frame, &sending)))),
        None => answer.map(|events| Body::new(StreamBody::new(events, streamed.clone(), trailers))),
    }
}

/// What a stream ends with that has no room.
fn trailers(error: A2AError) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    // The code alone, where the details are no header.
    if status(&error).add_header(&mut trailers).is_err() {
        trailers.insert(Status::GRPC_STATUS, HeaderValue::from(i32::from(Code::Unavailable)));
    }
    Frame::trailers(trailers)
}

/// What is before a message on the wire: whether it is compressed, and its length.
const FRAME_HEAD: usize = 5;

/// Tonic does not look. Whoever says that it sends something else could not read an answer in gRPC's form either.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Tonic answers `INTERNAL` to what it cannot decode and `OUT_OF_RANGE` to what is too large. It is known by its lack of
/// details, which every A2A error has.
fn blame_the_message(response: Answer) -> Answer {
    if !response.headers().contains_key(Status::GRPC_STATUS) || response.headers().contains_key(DETAILS) {
        return response;
    }
    let Some(status) = Status::from_header_map(response.headers()) else { return response };
    let error = match status.code() {
        Code::Internal => A2AError::invalid_params(status.message()),
        Code::OutOfRange | Code::ResourceExhausted => A2AError::invalid_request(status.message()),
        _ => return response,
    };
    a2a_error_to_status(&error).into_http()
}
