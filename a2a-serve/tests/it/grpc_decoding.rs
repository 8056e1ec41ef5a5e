//! What tonic cannot read.

use a2a::error_code::INVALID_PARAMS;
use a2a::{A2AError, error_code};
use a2a_pb::proto::GetTaskRequest;
use a2a_serve::bindings::{Limits, grpc_service};
use axum::body::Body;
use http::Request;
use tonic::Code;
use tonic::server::NamedService;
use tower::ServiceExt;

use super::handler::Recorder;
use super::wire::{grpc, grpc_with};

#[tokio::test]
async fn a_message_that_is_no_protobuf_is_invalid() {
    let handler = Recorder::new();
    for method in ["SendMessage", "SendStreamingMessage", "GetTask", "ListTasks", "SubscribeToTask"] {
        for bytes in [&[0xff, 0xff][..], &[0x12, 0x7f, 0x00], &[0x12, 0x02, 0xc3, 0x28]] {
            let answer = grpc_with(&handler, &Limits::default(), Some("1.0"), method, bytes).await;
            let expected = (Code::InvalidArgument, i64::from(INVALID_PARAMS));
            assert_eq!((answer.code(), answer.a2a_code()), expected, "{method} {bytes:?}");
        }
    }
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn a_request_without_a_message_is_invalid() {
    let request = Request::post("/lf.a2a.v1.A2AService/GetTask").header("content-type", "application/grpc");
    let service = grpc_service(Recorder::new(), &Limits::default());
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
    let answer = grpc_with(&Recorder::new(), &Limits::default(), Some("1.0"), "DropTable", &[]).await;
    assert_eq!(answer.code(), Code::Unimplemented);
}

#[test]
fn the_service_is_routed_by_the_protos_name() {
    fn name<S: NamedService>(_: &S) -> &'static str {
        S::NAME
    }
    let service = grpc_service(Recorder::new(), &Limits::default());
    assert_eq!(name(&service), "lf.a2a.v1.A2AService");
}
