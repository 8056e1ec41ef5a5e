//! Event streams over both HTTP bindings, and errors in the middle of them.

use std::time::Duration;

use a2a::A2AError;
use a2a_cluster::unavailable;
use a2a_pb::proto::SubscribeToTaskRequest;
use serde_json::{Value, json};
use tonic::Code;

use super::handler::Recorder;
use super::wire::{Answer, grpc, message, rest, router, rpc};

/// The data of each event, with its type.
fn events(answer: &Answer) -> Vec<(String, Value)> {
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
    };
    let events = answer.text.split("\n\n").filter(|event| !event.is_empty());
    events
        .map(|event| (field(event, "event: "), serde_json::from_str(&field(event, "data: ")).unwrap()))
        .collect()
}

#[tokio::test]
async fn no_proxy_may_buffer_an_event_stream() {
    let router = router(&Recorder::new());
    for answer in [
        rpc(&router, "SendStreamingMessage", json!({ "message": message() })).await,
        rpc(&router, "SubscribeToTask", json!({ "id": "t1" })).await,
        rest(&router, "POST", "/message:stream", Some(json!({ "message": message() }))).await,
        rest(&router, "GET", "/tasks/t1:subscribe", None).await,
    ] {
        assert_eq!(answer.header("content-type"), "text/event-stream");
        assert_eq!(
            (answer.header("cache-control"), answer.header("x-accel-buffering")),
            ("no-cache, no-transform", "no")
        );
        assert_eq!(events(&answer).len(), 1);
    }
    let answer = rpc(&router, "GetTask", json!({ "id": "t1" })).await;
    assert_eq!(answer.header("x-accel-buffering"), "");
}

#[tokio::test]
async fn an_error_in_a_rest_stream_is_an_error_event_with_rests_error_body() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (error, code, status) in [
        (A2AError::internal("agent broke"), 500, "INTERNAL"),
        (A2AError::task_not_found("t1"), 404, "NOT_FOUND"),
        (unavailable(Duration::from_secs(2)), 503, "UNAVAILABLE"),
    ] {
        handler.fail_streams_with(error.clone());
        let answer = rest(&router, "GET", "/tasks/t1:subscribe", None).await;
        let events = events(&answer);
        assert_eq!((events[0].0.as_str(), &events[0].1["task"]["id"]), ("", &json!("t1")));
        let (kind, data) = &events[1];
        assert_eq!((kind.as_str(), &data["error"]["code"]), ("error", &json!(code)), "{error}");
        assert_eq!(
            (&data["error"]["status"], &data["error"]["message"]),
            (&json!(status), &json!(error.message))
        );
        assert!(
            data["error"]["details"].as_array().unwrap().iter().any(|detail| detail["reason"].is_string())
        );
        assert!(!answer.text.contains("id: 2\n") && !answer.text.starts_with("id:"), "{}", answer.text);
    }
}

#[tokio::test]
async fn an_error_in_a_jsonrpc_stream_is_a_response_with_the_requests_id() {
    let handler = Recorder::new();
    handler.fail_streams_with(A2AError::task_not_found("t1"));
    let answer = rpc(&router(&handler), "SubscribeToTask", json!({ "id": "t1" })).await;
    let (_, error) = &events(&answer)[1];
    assert_eq!((&error["id"], &error["error"]["code"]), (&json!(7), &json!(-32001)));
}

#[tokio::test]
async fn an_error_in_a_grpc_stream_ends_it_with_the_exact_status() {
    let handler = Recorder::new();
    for (error, status) in [
        (A2AError::task_not_found("t1"), Code::NotFound),
        (unavailable(Duration::from_secs(2)), Code::Unavailable),
    ] {
        handler.fail_streams_with(error.clone());
        let answer = grpc(
            &handler,
            "SubscribeToTask",
            &SubscribeToTaskRequest { id: "t1".into(), ..Default::default() },
        )
        .await;
        assert_eq!((answer.code(), answer.a2a_code()), (status, i64::from(error.code)));
        assert!(!answer.body.is_empty(), "the task before the error was sent");
    }
}
