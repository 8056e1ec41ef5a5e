//! What tonic cannot read.

use std::sync::Arc;
use std::time::Duration;

use a2a::error_code::INVALID_PARAMS;
use a2a::{A2AError, error_code};
use a2a_pb::proto::GetTaskRequest;
use a2a_serve::bindings::{RequestLimits, grpc_service};
use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderName, Request};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tonic::server::NamedService;
use tonic::{Code, Status};
use tower::ServiceExt;

use super::handler::Recorder;
use super::wire::{grpc, grpc_with};

#[tokio::test]
async fn a_message_that_is_no_protobuf_is_invalid() {
    let handler = Recorder::new();
    for method in ["SendMessage", "SendStreamingMessage", "GetTask", "ListTasks", "SubscribeToTask"] {
        for bytes in [&[0xff, 0xff][..], &[0x12, 0x7f, 0x00], &[0x12, 0x02, 0xc3, 0x28]] {
            let answer = grpc_with(&handler, &RequestLimits::default(), Some("1.0"), method, bytes).await;
            let expected = (Code::InvalidArgument, i64::from(INVALID_PARAMS));
            assert_eq!((answer.code(), answer.a2a_code()), expected, "{method} {bytes:?}");
        }
    }
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn a_request_without_a_message_is_invalid() {
    let request = Request::post("/lf.a2a.v1.A2AService/GetTask").header("content-type", "application/grpc");
    let service = grpc_service(Recorder::new(), &RequestLimits::default());
    let response = service.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["grpc-status"], "3");
}

#[tokio::test]
async fn errors_of_the_handler_keep_their_status() {
    let handler = Recorder::new();
    for (error, status) in [
        (A2AError::task_not_found("t1"), Code::NotFound),
        (A2AError::task_not_cancelable("t1"), Code::FailedPrecondition),
        (A2AError::push_notification_not_supported(), Code::FailedPrecondition),
        (A2AError::unsupported_operation("no"), Code::FailedPrecondition),
        (A2AError::content_type_not_supported(), Code::InvalidArgument),
        (A2AError::invalid_agent_response(), Code::Internal),
        (A2AError::extended_card_not_configured(), Code::FailedPrecondition),
        (A2AError::new(error_code::EXTENSION_SUPPORT_REQUIRED, "no"), Code::FailedPrecondition),
        (A2AError::invalid_params("no"), Code::InvalidArgument),
        (A2AError::internal("no"), Code::Internal),
    ] {
        handler.fail_with(error.clone());
        let answer = grpc(&handler, "GetTask", &GetTaskRequest::default()).await;
        assert_eq!((answer.code(), answer.a2a_code()), (status, i64::from(error.code)), "{error}");
    }
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let answer = grpc_with(&Recorder::new(), &RequestLimits::default(), Some("1.0"), "DropTable", &[]).await;
    assert_eq!(answer.code(), Code::Unimplemented);
}

#[test]
fn the_service_is_routed_by_the_protos_name() {
    fn name<S: NamedService>(_: &S) -> &'static str {
        S::NAME
    }
    let service = grpc_service(Recorder::new(), &RequestLimits::default());
    assert_eq!(name(&service), "lf.a2a.v1.A2AService");
}

/// Sends what is in a body's frames, and returns the status.
async fn grpc_frames(handler: &Arc<Recorder>, frames: Vec<Frame<Bytes>>) -> Status {
    let request = http::Request::post("/lf.a2a.v1.A2AService/GetTask")
        .header("content-type", "application/grpc")
        .header("a2a-version", "1.0")
        .header("x-user", "ann");
    let frames = futures::stream::iter(frames.into_iter().map(Ok::<_, std::io::Error>));
    let request = request.body(StreamBody::new(frames)).unwrap();
    let response =
        grpc_service(Arc::clone(handler), &RequestLimits::default()).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let collected = body.collect().await.unwrap();
    Status::from_header_map(&parts.headers)
        .or_else(|| Status::from_header_map(collected.trailers()?))
        .unwrap()
}

#[tokio::test]
async fn trailers_do_not_take_the_place_of_metadata() {
    let handler = Recorder::new();
    let message = Bytes::from_static(&[0, 0, 0, 0, 4, 0x12, 2, b't', b'1']);
    let trailers = http::HeaderMap::from_iter([(HeaderName::from_static("x-user"), "ben".parse().unwrap())]);
    let status = grpc_frames(&handler, vec![Frame::data(message), Frame::trailers(trailers)]).await;
    assert_eq!(status.code(), Code::Ok);
    assert_eq!(handler.take()[0].params["x-user"], ["ann"]);
}

#[tokio::test]
async fn a_request_is_one_message() {
    let handler = Recorder::new();
    let message = Bytes::from_static(&[0, 0, 0, 0, 4, 0x12, 2, b't', b'1']);
    let status = grpc_frames(&handler, vec![Frame::data(message.clone()), Frame::data(message)]).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(handler.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_come_is_given_up() {
    let began = tokio::time::Instant::now();
    let head = Bytes::from_static(&[0, 0, 0, 0, 4, 0x12]);
    let body = futures::stream::iter([Ok::<_, std::io::Error>(head)]).chain(futures::stream::pending());
    let request = Request::post("/lf.a2a.v1.A2AService/GetTask").header("content-type", "application/grpc");
    let request = request.header("a2a-version", "1.0").body(Body::from_stream(body)).unwrap();
    let answer = grpc_service(Recorder::new(), &RequestLimits::default()).oneshot(request);
    let answer = tokio::time::timeout(Duration::from_secs(200), answer).await.unwrap().unwrap();
    let code = Status::from_header_map(answer.headers()).unwrap().code();
    assert_eq!((code, began.elapsed().as_secs()), (Code::DeadlineExceeded, 60));
}
