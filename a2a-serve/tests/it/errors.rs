//! "Try again later", "who are you?" and "not you" on every binding.

use std::time::Duration;

use a2a::A2AError;
use a2a::error_code::{
    INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, VERSION_NOT_SUPPORTED,
};
use a2a_cluster::{forbidden, unauthenticated_by, unavailable};
use a2a_pb::proto::{GetTaskRequest, SendMessageRequest, SubscribeToTaskRequest};
use a2a_serve::bindings::RequestLimits;
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt;

use super::handler::Recorder;
use super::wire::{grpc, grpc_with, message, proto_message, rest, router, rpc};

fn metadata(details: &Value) -> &Value {
    let details = details.as_array().unwrap();
    &details.iter().find(|detail| detail["metadata"].is_object()).unwrap()["metadata"]
}

#[tokio::test]
async fn a_backend_that_is_down_is_retryable_on_every_binding() {
    let handler = Recorder::new();
    handler.fail_with(unavailable(Duration::from_secs(3)));
    let router = router(&handler);

    for (method, params) in [
        ("GetTask", json!({ "id": "t1" })),
        ("SendMessage", json!({ "message": message() })),
        ("SendStreamingMessage", json!({ "message": message() })),
        ("SubscribeToTask", json!({ "id": "t1" })),
    ] {
        let answer = rpc(&router, method, params).await;
        assert_eq!((answer.status.as_u16(), answer.rpc_code()), (503, INTERNAL_ERROR.into()), "{method}");
        assert_eq!(answer.header("retry-after"), "3", "{method}");
        assert_eq!(metadata(&answer.json()["error"]["data"])["retryAfterSeconds"], "3");
        assert!(answer.text.contains("\"retryDelay\":\"3s\""), "{}", answer.text);
    }
    for (method, path, body) in [
        ("GET", "/tasks/t1", None),
        ("GET", "/tasks", None),
        ("POST", "/tasks/t1:cancel", None),
        ("GET", "/tasks/t1:subscribe", None),
        ("POST", "/message:stream", Some(json!({ "message": message() }))),
        ("DELETE", "/tasks/t1/pushNotificationConfigs/p1", None),
    ] {
        let answer = rest(&router, method, path, body).await;
        assert_eq!((answer.status.as_u16(), answer.rest_code()), (503, INTERNAL_ERROR.into()), "{path}");
        assert_eq!(
            (answer.header("retry-after"), answer.json()["error"]["status"].as_str()),
            ("3", Some("UNAVAILABLE"))
        );
        assert_eq!(metadata(&answer.json()["error"]["details"])["retryAfterSeconds"], "3");
    }
    let send = SendMessageRequest { message: Some(proto_message()), ..SendMessageRequest::default() };
    for answer in [
        grpc(&handler, "GetTask", &GetTaskRequest::default()).await,
        grpc(&handler, "SubscribeToTask", &SubscribeToTaskRequest::default()).await,
        grpc(&handler, "SendStreamingMessage", &send).await,
    ] {
        assert_eq!((answer.code(), answer.a2a_code()), (Code::Unavailable, INTERNAL_ERROR.into()));
        let delay = answer.status.get_details_retry_info().unwrap().retry_delay;
        assert_eq!(delay, Some(Duration::from_secs(3)));
    }
}

#[tokio::test]
async fn a_caller_who_is_not_known_is_told_so_on_every_binding() {
    let handler = Recorder::new();
    let challenge = "Basic realm=\"agents\"";
    handler.fail_with(unauthenticated_by(challenge));
    let router = router(&handler);
    let answer = rpc(&router, "GetTask", json!({ "id": "t1" })).await;
    assert_eq!((answer.status.as_u16(), answer.rpc_code()), (401, INVALID_REQUEST.into()));
    assert_eq!((answer.header("www-authenticate"), &answer.json()["id"]), (challenge, &json!(7)));
    let answer = rest(&router, "GET", "/tasks/t1", None).await;
    assert_eq!((answer.status.as_u16(), answer.rest_code()), (401, INVALID_REQUEST.into()));
    assert_eq!(answer.header("www-authenticate"), challenge);
    assert_eq!(answer.json()["error"]["status"], "UNAUTHENTICATED");
    let answer = grpc(&handler, "GetTask", &GetTaskRequest::default()).await;
    assert_eq!((answer.code(), answer.a2a_code()), (Code::Unauthenticated, INVALID_REQUEST.into()));
}

#[tokio::test]
async fn a_caller_who_may_not_is_told_what_is_missing_on_every_binding() {
    let handler = Recorder::new();
    handler.fail_with(forbidden("the scope tasks:write"));
    let router = router(&handler);
    let answer = rpc(&router, "CancelTask", json!({ "id": "t1" })).await;
    assert_eq!((answer.status.as_u16(), answer.rpc_code()), (403, INVALID_REQUEST.into()));
    assert!(answer.text.contains("the scope tasks:write"), "{}", answer.text);
    let answer = rest(&router, "POST", "/tasks/t1:cancel", None).await;
    assert_eq!((answer.status.as_u16(), answer.rest_code()), (403, INVALID_REQUEST.into()));
    assert_eq!(answer.json()["error"]["status"], "PERMISSION_DENIED");
    let answer = grpc(&handler, "GetTask", &GetTaskRequest::default()).await;
    assert_eq!((answer.code(), answer.a2a_code()), (Code::PermissionDenied, INVALID_REQUEST.into()));
    assert!(answer.status.message().contains("the scope tasks:write"));
}

#[tokio::test]
async fn an_ordinary_failure_stays_one() {
    let handler = Recorder::new();
    handler.fail_with(A2AError::internal("broken"));
    let router = router(&handler);
    let answer = rpc(&router, "GetTask", json!({ "id": "t1" })).await;
    assert_eq!((answer.rpc_code(), answer.header("retry-after")), (INTERNAL_ERROR.into(), ""));
    let answer = rest(&router, "GET", "/tasks/t1", None).await;
    assert_eq!((answer.status.as_u16(), answer.rest_code()), (500, INTERNAL_ERROR.into()));
    assert_eq!(grpc(&handler, "GetTask", &GetTaskRequest::default()).await.code(), Code::Internal);
}

#[tokio::test]
async fn what_is_told_of_a_request_is_short_whatever_it_held() {
    let handler = Recorder::new();
    let router = router(&handler);
    let long = "\u{7f}".repeat(100_000);
    let with = |field: &str, value: Value| {
        let mut message = message();
        message[field] = value;
        json!({ "message": message })
    };
    for request in [
        json!({ "message": long }),
        with("role", json!(long)),
        with("parts", json!(vec![json!({}); 1000])),
        json!({ "message": message(), "configuration": { "historyLength": long } }),
    ] {
        let answers = [
            rpc(&router, "SendMessage", request.clone()).await,
            rest(&router, "POST", "/message:send", Some(request)).await,
        ];
        for answer in answers {
            assert!((200..8000).contains(&answer.text.len()), "{}", answer.text.len());
        }
    }
    let unknown = rpc(&router, &long, json!({})).await;
    assert_eq!(unknown.rpc_code(), i64::from(METHOD_NOT_FOUND));
    assert!(unknown.text.len() < 8000);
    // Over gRPC all of it is in headers.
    let mut message = proto_message();
    message.parts = vec![a2a_pb::proto::Part::default(); 1000];
    let request = SendMessageRequest { message: Some(message), ..SendMessageRequest::default() };
    let answer = grpc(&handler, "SendMessage", &request).await;
    assert_eq!(answer.a2a_code(), i64::from(INVALID_PARAMS));
    assert!(answer.status.details().len() < 4000, "{}", answer.status.details().len());
    let answer =
        grpc_with(&handler, &RequestLimits::default(), Some(&"9".repeat(50_000)), "ListTasks", &[]).await;
    assert_eq!(answer.a2a_code(), i64::from(VERSION_NOT_SUPPORTED));
    assert!(answer.status.message().len() < 1000, "{}", answer.status.message().len());
}
