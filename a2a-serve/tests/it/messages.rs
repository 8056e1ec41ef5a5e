//! Messages and parts that the SDK would complete by itself.

use a2a::error_code::INVALID_PARAMS;
use a2a_pb::pbconv::json_value_to_proto_value;
use a2a_pb::proto::part::Content;
use a2a_pb::proto::{Part, SendMessageRequest};
use http::Request;
use prost_types::value::Kind;
use serde_json::{Value, json};

use super::handler::Recorder;
use super::wire::{grpc, http, message, proto_message, rest, router, rpc, rpc_text};

const INVALID: i64 = INVALID_PARAMS as i64;

fn request(parts: Value) -> Value {
    let mut message = message();
    message["parts"] = parts;
    json!({ "message": message })
}

#[tokio::test]
async fn a_part_without_exactly_one_content_is_invalid_in_json() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (parts, code) in [
        (json!([{}]), INVALID),
        (json!([{ "text": "a" }, { "mediaType": "text/plain" }]), INVALID),
        (json!([{ "text": null }]), INVALID),
        (json!([{ "kind": "text", "txt": "a" }]), INVALID),
        (json!([{ "text": "a", "url": "b" }]), INVALID),
        (json!([null]), INVALID),
        (json!(["text"]), INVALID),
        (json!("text"), INVALID),
        (json!([["text"]]), INVALID),
        (json!([{ "text": "" }]), 0),
        (json!([{ "data": null }]), 0),
        (json!([{ "data": null, "text": null }]), 0),
        (
            json!([{ "raw": "aGk=" }, { "url": "https://example.com" }, { "data": { "a": [1] } }, { "data": 0 }]),
            0,
        ),
    ] {
        for method in ["SendMessage", "SendStreamingMessage"] {
            let answer = rpc(&router, method, request(parts.clone())).await;
            let streamed = answer.header("content-type") == "text/event-stream";
            let rpc_code = if streamed { 0 } else { answer.rpc_code() };
            assert_eq!(rpc_code, code, "{method} {parts}");
        }
        for path in ["/message:send", "/message:stream", "/acme/message:send"] {
            let answer = rest(&router, "POST", path, Some(request(parts.clone()))).await;
            assert_eq!(answer.rest_code(), code, "{path} {parts}");
        }
        assert_eq!(handler.take().len(), if code == 0 { 5 } else { 0 }, "{parts}");
    }
}

#[tokio::test]
async fn a_field_that_a_part_has_twice_is_invalid() {
    let handler = Recorder::new();
    let router = router(&handler);
    for fields in [
        r#""filename":"a","filename":"b""#,
        r#""mediaType":"a/b","media_type":"c/d""#,
        r#""metadata":{},"metadata":{}"#,
        r#""text":"b""#,
    ] {
        let message = format!(r#"{{"messageId":"m","role":"ROLE_USER","parts":[{{"text":"a",{fields}}}]}}"#);
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{{"message":{message}}}}}"#);
        assert_eq!(rpc_text(&router, body).await.rpc_code(), INVALID, "{fields}");
    }
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn a_missing_message_is_invalid_on_every_binding() {
    let handler = Recorder::new();
    let router = router(&handler);
    for params in
        [json!({}), json!({ "message": null }), json!({ "metadata": {} }), json!({ "message": "hi" })]
    {
        assert_eq!(rpc(&router, "SendMessage", params.clone()).await.rpc_code(), INVALID, "{params}");
        assert_eq!(
            rest(&router, "POST", "/message:send", Some(params.clone())).await.rest_code(),
            INVALID,
            "{params}"
        );
    }
    for method in ["SendMessage", "SendStreamingMessage"] {
        assert_eq!(grpc(&handler, method, &SendMessageRequest::default()).await.a2a_code(), INVALID);
    }
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn params_after_the_method_and_before_it_are_looked_at_alike() {
    let router = router(&Recorder::new());
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"message":{"parts":[{}]}}}"#,
        r#"{"params":{"message":{"parts":[{}]}},"method":"SendMessage","id":1,"jsonrpc":"2.0"}"#,
        r#"{"params":{"message":{"parts":[{"text":"a"}],"parts":[{}]}},"method":"SendMessage","id":1,"jsonrpc":"2.0"}"#,
    ] {
        let answer = super::wire::rpc_text(&router, body).await;
        assert_eq!((answer.rpc_code(), &answer.json()["id"]), (INVALID, &json!(1)), "{body}");
    }
}

#[tokio::test]
async fn a_number_reaches_the_handler_as_it_was_sent_or_not_at_all() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (number, code) in [
        ("9007199254740992", 0),
        ("1e300", 0),
        ("9007199254740993", INVALID),
        ("18446744073709551617", INVALID),
        ("-9223372036854775809", INVALID),
        ("100000000000000000000000000000", INVALID),
    ] {
        for (data, metadata) in [(number, "0"), ("0", number)] {
            let message = format!(r#"{{"messageId":"m","role":"ROLE_USER","parts":[{{"data":[{data}]}}]}}"#);
            let request = format!(r#"{{"message":{message},"metadata":{{"n":{metadata}}}}}"#);
            let id = "18446744073709551617";
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"SendMessage","params":{request}}}"#);
            assert_eq!(rpc_text(&router, body).await.rpc_code(), code, "{number}");
            let rest = Request::post("/message:send").header("a2a-version", "1.0");
            let rest = rest.header("content-type", "application/json").body(request.into()).unwrap();
            let answer = http(&router, rest).await;
            assert_eq!((answer.rest_code(), answer.status.is_success()), (code, code == 0), "{number}");
            assert!(code == 0 || answer.text.contains("2^53"), "{answer:?}");
            for seen in handler.take() {
                let expected: Value = serde_json::from_str(&format!("[[{data}],{metadata}]")).unwrap();
                let kept =
                    json!([seen.request["message"]["parts"][0]["data"], seen.request["metadata"]["n"]]);
                assert_eq!(kept.to_string(), expected.to_string());
            }
        }
    }
    // Protobuf says a floating point, whatever its size.
    let data = json_value_to_proto_value(&json!(1e22));
    let mut message = proto_message();
    message.parts = vec![Part { content: Some(Content::Data(data)), ..Part::default() }];
    let request = SendMessageRequest { message: Some(message), ..SendMessageRequest::default() };
    assert_eq!(grpc(&handler, "SendMessage", &request).await.a2a_code(), 0);
    assert_eq!(handler.take()[0].request["message"]["parts"][0]["data"].to_string(), "1e+22");
}

#[tokio::test]
async fn a_message_that_json_could_not_say_is_invalid_in_protobuf() {
    let handler = Recorder::new();
    let part = |content| Part { content, ..Part::default() };
    let number = |number| Content::Data(prost_types::Value { kind: Some(Kind::NumberValue(number)) });
    let in_list = |value| {
        let list = prost_types::ListValue { values: vec![value] };
        Content::Data(prost_types::Value { kind: Some(Kind::ListValue(list)) })
    };
    for (content, code) in [
        (None, INVALID),
        (Some(number(f64::NAN)), INVALID),
        (Some(number(f64::INFINITY)), INVALID),
        (Some(in_list(prost_types::Value { kind: None })), INVALID),
        (Some(number(1.5)), 0),
        (Some(in_list(json_value_to_proto_value(&json!(null)))), 0),
    ] {
        let mut message = proto_message();
        message.parts.push(part(content.clone()));
        let request = SendMessageRequest { message: Some(message), ..SendMessageRequest::default() };
        assert_eq!(grpc(&handler, "SendMessage", &request).await.a2a_code(), code, "{content:?}");
    }
    for (role, code) in [(7, INVALID), (-1, INVALID), (0, INVALID), (2, INVALID), (1, 0)] {
        let mut message = proto_message();
        message.role = role;
        let request = SendMessageRequest { message: Some(message), ..SendMessageRequest::default() };
        assert_eq!(grpc(&handler, "SendMessage", &request).await.a2a_code(), code, "role {role}");
    }
}
