//! JSON-RPC requests that are none.

use a2a::error_code::{
    CONTENT_TYPE_NOT_SUPPORTED, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR,
};
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use super::handler::Recorder;
use super::wire::{http, router, rpc, rpc_text};

#[tokio::test]
async fn each_kind_of_bad_envelope_has_its_code_and_echoes_a_readable_id() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (body, code, id) in [
        ("", PARSE_ERROR, Value::Null),
        ("{", PARSE_ERROR, Value::Null),
        ("hello", PARSE_ERROR, Value::Null),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ListTasks"} x"#, PARSE_ERROR, Value::Null),
        ("[]", INVALID_REQUEST, Value::Null),
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":"t"}}]"#,
            INVALID_REQUEST,
            Value::Null,
        ),
        // The SDK takes this for a request.
        (r#"["2.0",1,"GetTask",{"id":"t"}]"#, INVALID_REQUEST, Value::Null),
        ("null", INVALID_REQUEST, Value::Null),
        ("7", INVALID_REQUEST, Value::Null),
        (r#""GetTask""#, INVALID_REQUEST, Value::Null),
        ("{}", INVALID_REQUEST, Value::Null),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"GetTask"}"#, INVALID_REQUEST, Value::Null),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ListTasks"}"#, INVALID_REQUEST, Value::Null),
        (r#"{"jsonrpc":"2.0","id":18446744073709551615,"method":""}"#, INVALID_REQUEST, json!(u64::MAX)),
        (r#"{"jsonrpc":"2.0","id":"a"}"#, INVALID_REQUEST, json!("a")),
        (r#"{"jsonrpc":"2.0","id":"a","method":7}"#, INVALID_REQUEST, json!("a")),
        (r#"{"jsonrpc":"2.0","id":"a","method":""}"#, INVALID_REQUEST, json!("a")),
        (r#"{"jsonrpc":"1.0","id":"a","method":"GetTask"}"#, INVALID_REQUEST, json!("a")),
        (r#"{"jsonrpc":"1.0","id":"a","method":"ListTasks"}"#, INVALID_REQUEST, json!("a")),
        (r#"{"jsonrpc":"2.0","id":2,"method":"message/send","params":{}}"#, METHOD_NOT_FOUND, json!(2)),
        (r#"{"jsonrpc":"2.0","id":2,"method":"GetTask"}"#, INVALID_PARAMS, json!(2)),
        (r#"{"jsonrpc":"2.0","id":2,"method":"SendMessage","params":[]}"#, INVALID_PARAMS, json!(2)),
        (r#"{"jsonrpc":"2.0","id":2,"method":"SendMessage","params":{}}"#, INVALID_PARAMS, json!(2)),
        (r#"{"jsonrpc":"2.0","id":2,"method":"SendStreamingMessage","params":{}}"#, INVALID_PARAMS, json!(2)),
        (
            r#"{"jsonrpc":"2.0","id":"a","method":"ListTasks","params":{"pageSize":0}}"#,
            INVALID_PARAMS,
            json!("a"),
        ),
    ] {
        let answer = rpc_text(&router, body).await;
        assert_eq!((answer.status.as_u16(), answer.rpc_code()), (200, i64::from(code)), "{body:?}");
        assert_eq!(answer.json()["id"], id, "{body:?}");
        assert!(answer.json()["error"]["data"].is_array(), "{body:?}");
    }
    let not_utf8 = rpc_text(&router, &b"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\"}"[..]).await;
    assert_eq!(not_utf8.rpc_code(), i64::from(PARSE_ERROR));
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn other_http_methods_are_told_to_post() {
    let router = router(&Recorder::new());
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer =
            http(&router, Request::builder().method(method).uri("/").body(Body::empty()).unwrap()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.rpc_code()),
            (405, i64::from(INVALID_REQUEST)),
            "{method}"
        );
        assert_eq!(answer.header("allow"), "POST", "{method}");
    }
}

#[tokio::test]
async fn a_content_type_that_is_not_json_is_refused_and_none_is_not() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (content_type, status, code) in [
        (Some("application/json"), 200, 0),
        (Some("application/a2a+json"), 200, 0),
        (None, 200, 0),
        (Some("text/plain"), 415, CONTENT_TYPE_NOT_SUPPORTED),
        (Some("application/x-www-form-urlencoded"), 415, CONTENT_TYPE_NOT_SUPPORTED),
    ] {
        let mut request = Request::post("/").header("a2a-version", "1.0");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":"t1"}}"#;
        let answer = http(&router, request.body(Body::from(body)).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.rpc_code()), (status, code.into()), "{content_type:?}");
    }
    assert_eq!(handler.take().len(), 3);
}

#[tokio::test]
async fn methods_without_required_parameters_need_no_params() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (method, called) in [("GetExtendedAgentCard", "get_extended_agent_card"), ("ListTasks", "list_tasks")]
    {
        for params in ["", r#","params":null"#, r#","params":{}"#] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":"a","method":"{method}"{params}}}"#);
            let request =
                Request::post("/").header("a2a-version", "1.0").header("content-length", body.len());
            let answer = http(&router, request.body(Body::from(body)).unwrap()).await;
            assert_eq!((answer.rpc_code(), &answer.json()["id"]), (0, &json!("a")), "{method}{params}");
            assert_eq!(handler.take()[0].method, called);
        }
    }
}

#[tokio::test]
async fn a_good_request_reaches_the_handler_whole() {
    let handler = Recorder::new();
    let router = router(&handler);
    let mut message = super::wire::message();
    message["parts"] =
        json!([{ "text": "h\"i" }, { "data": { "a": [1, { "b": null }] }, "metadata": { "x": true } }]);
    let params = json!({
        "tenant": "acme",
        "message": message,
        "configuration": { "historyLength": 3, "acceptedOutputModes": ["text/plain"] },
        "metadata": { "trace": ["a"] },
    });
    assert_eq!(rpc(&router, "SendMessage", params).await.rpc_code(), 0);
    let seen = handler.take();
    let request = &seen[0].request;
    assert_eq!(request["tenant"], "acme");
    assert_eq!(request["message"]["parts"][0]["text"], "h\"i");
    assert_eq!(request["message"]["parts"][1]["data"]["a"][0], 1.0);
    assert_eq!(request["metadata"], json!({ "trace": ["a"] }));
    assert_eq!(request["configuration"]["historyLength"], 3);
}

#[tokio::test]
async fn a_notification_is_heard_and_not_answered() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (body, heard) in [
        (r#"{"jsonrpc":"2.0","method":"GetTask","params":{"id":"t"}}"#, 1),
        (r#"{"jsonrpc":"2.0","method":"SubscribeToTask","params":{"id":"t"}}"#, 1),
        (r#"{"jsonrpc":"2.0","method":"GetTask","params":{}}"#, 0),
        (r#"{"jsonrpc":"2.0","method":"Nothing"}"#, 0),
    ] {
        let answer = rpc_text(&router, body).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""), "{body}");
        assert_eq!(handler.take().len(), heard, "{body}");
    }
    let answer =
        rpc_text(&router, r#"{"jsonrpc":"2.0","id":null,"method":"GetTask","params":{"id":"t"}}"#).await;
    assert_eq!((answer.status.as_u16(), answer.rpc_code()), (200, 0));
}

#[tokio::test]
async fn a_notification_that_is_not_taken_is_not_said_to_be() {
    let handler = Recorder::new();
    let router = router(&handler);
    let send = |id: &str| format!(r#"{{"jsonrpc":"2.0",{id}"method":"GetTask","params":{{"id":"t"}}}}"#);
    handler.fail_with(a2a_cluster::unavailable(std::time::Duration::from_secs(3)));
    for id in [r#""id":1,"#, ""] {
        let answer = rpc_text(&router, send(id)).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "3"), "{id:?}");
        assert_eq!(answer.text.is_empty(), id.is_empty(), "{id:?}");
    }
    handler.fail_with(a2a::A2AError::task_not_found("t"));
    assert_eq!(rpc_text(&router, send("")).await.status.as_u16(), 204);
}
