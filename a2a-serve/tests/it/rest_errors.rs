//! Everything that axum would answer in its own words over REST.

use a2a::error_code::{CONTENT_TYPE_NOT_SUPPORTED, INVALID_PARAMS, METHOD_NOT_FOUND, PARSE_ERROR};
use axum::body::Body;
use http::Request;
use serde_json::json;

use super::handler::Recorder;
use super::wire::{Answer, http, message, rest, router};

fn statuses(answer: &Answer) -> (u16, i64) {
    (answer.status.as_u16(), answer.rest_code())
}

#[tokio::test]
async fn paths_that_lead_nowhere_are_404() {
    let handler = Recorder::new();
    let router = router(&handler);
    for path in ["/nowhere", "/tasks/", "/a/b/tasks", "/v1", "/tasks/t1/artifacts", "/.well-known/agent.json"]
    {
        for method in ["GET", "POST", "DELETE"] {
            let answer = rest(&router, method, path, None).await;
            assert_eq!(statuses(&answer), (404, METHOD_NOT_FOUND.into()), "{method} {path}");
        }
    }
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn methods_that_a_path_does_not_answer_are_405_and_name_those_that_it_does() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (method, path, allowed) in [
        ("GET", "/message:send", "POST"),
        ("PUT", "/message:stream", "POST"),
        ("POST", "/tasks", "GET, HEAD"),
        ("DELETE", "/tasks/t1", "GET, HEAD"),
        ("POST", "/tasks/t1", "GET, HEAD"),
        ("GET", "/tasks/t1:cancel", "POST"),
        ("PATCH", "/acme/tasks/t1:subscribe", "GET, POST"),
        ("DELETE", "/tasks/t1/pushNotificationConfigs", "GET, HEAD, POST"),
        ("POST", "/tasks/t1/pushNotificationConfigs/p1", "GET, HEAD, DELETE"),
        ("POST", "/extendedAgentCard", "GET, HEAD"),
        ("POST", "/.well-known/agent-card.json", "GET, HEAD"),
        ("OPTIONS", "/tasks", "GET, HEAD"),
    ] {
        let answer = rest(&router, method, path, Some(json!({}))).await;
        assert_eq!(statuses(&answer), (405, METHOD_NOT_FOUND.into()), "{method} {path}");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn bodies_that_are_not_json_are_parse_errors() {
    let handler = Recorder::new();
    let router = router(&handler);
    for path in ["/message:send", "/message:stream", "/tasks/t1/pushNotificationConfigs", "/tasks/t1:cancel"]
    {
        for body in ["{", "{]", "{\"a\":1}}", "hello", "\u{0}", "{\"message\": \"\u{1}\"}"] {
            let request =
                Request::post(path).header("a2a-version", "1.0").header("content-type", "application/json");
            let answer = http(&router, request.body(Body::from(body)).unwrap()).await;
            assert_eq!(statuses(&answer), (400, PARSE_ERROR.into()), "{path} {body:?}");
        }
    }
    let empty = Request::post("/message:send")
        .header("a2a-version", "1.0")
        .header("content-type", "application/json");
    let answer = http(&router, empty.body(Body::empty()).unwrap()).await;
    assert_eq!(statuses(&answer), (400, PARSE_ERROR.into()));
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn json_of_the_wrong_shape_is_invalid() {
    let router = router(&Recorder::new());
    for (path, body) in [
        ("/message:send", json!([])),
        ("/message:send", json!("hi")),
        ("/message:send", json!({ "message": { "parts": "hi" } })),
        ("/tasks/t1/pushNotificationConfigs", json!([1])),
        ("/tasks/t1/pushNotificationConfigs", json!({ "taskId": "t2", "url": "https://example.com" })),
        ("/tasks/t1:cancel", json!([])),
        ("/tasks/t1:cancel", json!({ "metadata": 1 })),
    ] {
        let answer = rest(&router, "POST", path, Some(body.clone())).await;
        assert_eq!(statuses(&answer), (400, INVALID_PARAMS.into()), "{path} {body}");
    }
}

#[tokio::test]
async fn query_values_that_cannot_be_read_are_invalid() {
    let handler = Recorder::new();
    let router = router(&handler);
    for uri in [
        "/tasks?pageSize=abc",
        "/tasks?pageSize=",
        "/tasks?pageSize=1&pageSize=2",
        "/tasks?pageSize=99999999999",
        "/tasks?historyLength=1.5",
        "/tasks?includeArtifacts=perhaps",
        "/tasks?statusTimestampAfter=today",
        "/acme/tasks?pageSize=abc",
        "/tasks/t1?historyLength=abc",
        "/tasks/t1/pushNotificationConfigs?pageSize=abc",
        "/tasks/%FF",
    ] {
        let answer = rest(&router, "GET", uri, None).await;
        assert_eq!(statuses(&answer), (400, INVALID_PARAMS.into()), "{uri}");
    }
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn a_body_needs_a_content_type_that_is_json() {
    let handler = Recorder::new();
    let router = router(&handler);
    let body = json!({ "message": message() }).to_string();
    for (content_type, expected) in [
        (Some("application/json"), (200, 0)),
        (Some("application/a2a+json"), (200, 0)),
        (Some("application/json; charset=utf-8"), (200, 0)),
        (Some("text/plain"), (415, CONTENT_TYPE_NOT_SUPPORTED.into())),
        (Some("application/x-www-form-urlencoded"), (415, CONTENT_TYPE_NOT_SUPPORTED.into())),
        (Some("application/xml+json"), (415, CONTENT_TYPE_NOT_SUPPORTED.into())),
        (None, (415, CONTENT_TYPE_NOT_SUPPORTED.into())),
    ] {
        let mut request = Request::post("/message:send").header("a2a-version", "1.0");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = http(&router, request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!(statuses(&answer), expected, "{content_type:?}");
    }
    assert_eq!(handler.take().len(), 3);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_parse_error() {
    let handler = Recorder::new();
    let router = router(&handler);
    let broken = || {
        let chunks = [Ok("{\"jsonrpc\":"), Err(std::io::Error::other("gone"))];
        Body::from_stream(futures::stream::iter(chunks))
    };
    let request = |path: &str| {
        Request::post(path)
            .header("a2a-version", "1.0")
            .header("content-type", "application/json")
            .body(broken())
    };
    let answer = http(&router, request("/message:send").unwrap()).await;
    assert_eq!(statuses(&answer), (400, PARSE_ERROR.into()));
    let answer = http(&router, request("/").unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.rpc_code()), (400, PARSE_ERROR.into()));
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn what_the_handler_answers_goes_through_unchanged() {
    let handler = Recorder::new();
    let router = router(&handler);
    let answer = rest(&router, "GET", "/tasks/t1", None).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/a2a+json"));
    assert_eq!(answer.json()["id"], "t1");
    let answer = rest(&router, "DELETE", "/tasks/t1/pushNotificationConfigs/p1", None).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/a2a+json"));
    assert_eq!(answer.json(), json!({}), "an empty message is not no message");
    handler.fail_with(a2a::A2AError::task_not_found("t1"));
    let answer = rest(&router, "GET", "/tasks/t1", None).await;
    assert_eq!(statuses(&answer), (404, a2a::error_code::TASK_NOT_FOUND.into()));
    assert_eq!(answer.json()["error"]["message"], "task not found: t1");
    let answer = rest(&router, "DELETE", "/tasks/t1/pushNotificationConfigs/p1", None).await;
    assert_eq!(answer.status, 404);
}
