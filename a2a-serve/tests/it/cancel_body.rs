//! The body of a REST cancel, which the SDK does not read.

use a2a::error_code::CONTENT_TYPE_NOT_SUPPORTED;
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use super::handler::Recorder;
use super::wire::{http, rest, router};

#[tokio::test]
async fn metadata_of_a_cancel_reaches_the_handler() {
    let handler = Recorder::new();
    let router = router(&handler);
    let metadata = json!({ "reason": "too slow", "votes": [1.0] });
    for (body, expected) in [
        (None, Value::Null),
        (Some(json!({})), Value::Null),
        (Some(json!({ "metadata": metadata })), metadata.clone()),
    ] {
        for path in ["/tasks/t1:cancel", "/acme/tasks/t1:cancel", "/tasks/t1/cancel"] {
            assert_eq!(rest(&router, "POST", path, body.clone()).await.status, 200, "{path} {body:?}");
            let seen = handler.take();
            assert_eq!(seen[0].request["id"], "t1");
            assert_eq!(seen[0].request.get("metadata").unwrap_or(&Value::Null), &expected, "{path} {body:?}");
        }
    }
}

#[tokio::test]
async fn a_cancel_without_a_body_needs_no_content_type_and_one_with_a_body_does() {
    let handler = Recorder::new();
    let router = router(&handler);
    let request = || Request::post("/tasks/t1:cancel").header("a2a-version", "1.0");
    assert_eq!(http(&router, request().body(Body::empty()).unwrap()).await.status, 200);
    let form = request().header("content-type", "text/plain").body(Body::from("{}")).unwrap();
    assert_eq!(http(&router, form).await.rest_code(), i64::from(CONTENT_TYPE_NOT_SUPPORTED));
    assert_eq!(handler.take().len(), 1);
}
