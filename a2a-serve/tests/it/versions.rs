//! `A2A-Version` (§3.6).

use a2a::error_code::VERSION_NOT_SUPPORTED;
use a2a_pb::proto::GetTaskRequest;
use a2a_serve::bindings::RequestLimits;
use axum::body::Body;
use http::Request;
use prost::Message;
use tonic::Code;

use super::handler::Recorder;
use super::wire::{grpc_with, http, router};

const CASES: [(Option<&str>, bool); 11] = [
    (None, false),
    (Some(""), false),
    (Some("0.3"), false),
    (Some("2.0"), false),
    (Some("banana"), false),
    (Some("1.0"), true),
    (Some("1.1"), false),
    (Some("1.99"), false),
    (Some("1.0, 1.0"), true),
    (Some("1.0, 0.3"), false),
    (Some("1.0.7"), true),
];

fn get_task(uri: &str, version: Option<&str>, rpc: bool) -> Request<Body> {
    let mut request = Request::builder().uri(uri).method(if rpc { "POST" } else { "GET" });
    if let Some(version) = version {
        request = request.header("A2A-Version", version);
    }
    let body = r#"{"jsonrpc":"2.0","id":"x","method":"GetTask","params":{"id":"t1"}}"#;
    request.body(if rpc { Body::from(body) } else { Body::empty() }).unwrap()
}

#[tokio::test]
async fn only_the_version_that_is_spoken_is_served_on_every_binding() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (version, served) in CASES {
        let code = if served { 0 } else { i64::from(VERSION_NOT_SUPPORTED) };

        let rpc = http(&router, get_task("/", version, true)).await;
        assert_eq!((rpc.status.as_u16(), rpc.rpc_code()), (200, code), "JSON-RPC, {version:?}");
        assert_eq!(rpc.json()["id"], "x");
        let rest = http(&router, get_task("/tasks/t1", version, false)).await;
        let status = if served { 200 } else { 400 };
        assert_eq!((rest.status.as_u16(), rest.rest_code()), (status, code), "REST, {version:?}");
        let proto = GetTaskRequest { id: "t1".into(), ..GetTaskRequest::default() }.encode_to_vec();
        let grpc = grpc_with(&handler, &RequestLimits::default(), version, "GetTask", &proto).await;
        let status = if served { Code::Ok } else { Code::FailedPrecondition };
        assert_eq!((grpc.code(), grpc.a2a_code()), (status, code), "gRPC, {version:?}");

        assert_eq!(handler.take().len(), if served { 3 } else { 0 }, "{version:?}");
    }
}

#[tokio::test]
async fn both_http_bindings_take_the_version_as_a_query_parameter() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (query, header, served) in [
        ("?A2A-Version=1.0", None, true),
        ("?historyLength=1&a2a-version=1.0", None, true),
        ("?A2A-Version=1.0", Some(""), true),
        ("?A2A-Version=0.3", None, false),
        ("?A2A-Version=1.0&a2a-version=1.0", None, true),
        ("?A2A-Version=1.0&A2A-Version=0.3", None, false),
        ("?A2A-Version=0.3&A2A-Version=1.0", None, false),
        ("?A2A-Version=1.0&A2A-Version=2.0", Some("1.0"), true),
        ("?A2A-Version=0.3", Some("1.0"), true),
        ("?A2A-Version=1.0", Some("0.3"), false),
    ] {
        let rpc = http(&router, get_task(&format!("/{query}"), header, true)).await;
        assert_eq!(rpc.rpc_code() == 0, served, "JSON-RPC, {query} {header:?}");
        let rest = http(&router, get_task(&format!("/tasks/t1{query}"), header, false)).await;
        assert_eq!(rest.rest_code() == 0, served, "REST, {query} {header:?}");
        for seen in handler.take() {
            let named = seen.params["a2a-version"].iter().flat_map(|line| line.split(','));
            assert!(
                named.clone().count() > 0 && named.clone().all(|version| version == "1.0"),
                "{query} {header:?}"
            );
        }
    }
}

#[tokio::test]
async fn every_operation_checks_the_version() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (method, path) in [
        ("POST", "/message:send"),
        ("POST", "/message:stream"),
        ("GET", "/tasks/t1"),
        ("GET", "/tasks"),
        ("POST", "/tasks/t1:cancel"),
        ("GET", "/tasks/t1:subscribe"),
        ("POST", "/tasks/t1:subscribe"),
        ("POST", "/tasks/t1/pushNotificationConfigs"),
        ("GET", "/tasks/t1/pushNotificationConfigs"),
        ("GET", "/tasks/t1/pushNotificationConfigs/p1"),
        ("DELETE", "/tasks/t1/pushNotificationConfigs/p1"),
        ("GET", "/extendedAgentCard"),
    ] {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let answer = http(&router, request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.rest_code(), i64::from(VERSION_NOT_SUPPORTED), "{method} {path}");
    }
    for method in [
        "SendMessage",
        "SendStreamingMessage",
        "GetTask",
        "ListTasks",
        "CancelTask",
        "SubscribeToTask",
        "CreateTaskPushNotificationConfig",
        "GetTaskPushNotificationConfig",
        "ListTaskPushNotificationConfigs",
        "DeleteTaskPushNotificationConfig",
        "GetExtendedAgentCard",
    ] {
        let answer = grpc_with(&handler, &RequestLimits::default(), None, method, &[]).await;
        assert_eq!(answer.a2a_code(), i64::from(VERSION_NOT_SUPPORTED), "gRPC {method}");
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{}}}}"#);
        let answer = http(&router, Request::post("/").body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.rpc_code(), i64::from(VERSION_NOT_SUPPORTED), "JSON-RPC {method}");
    }
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn the_public_card_needs_no_version() {
    let answer = http(
        &router(&Recorder::new()),
        Request::get("/.well-known/agent-card.json").body(Body::empty()).unwrap(),
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["name"], "recorder");
}
