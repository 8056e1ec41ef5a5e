//! Sizes and depths.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use a2a::error_code::{INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR};
use a2a::{ListTasksResponse, Message, Part, Role};
use a2a_pb::pbconv::{json_value_to_proto_value, to_proto_struct};
use a2a_pb::proto::part::Content;
use a2a_pb::proto::{self, CancelTaskRequest, GetTaskRequest, SendMessageRequest};
use a2a_pb::protojson_conv;
use a2a_serve::bindings::{RequestLimits, grpc_service};
use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use http::Request;
use serde_json::{Value, json};
use tonic::Code;
use tower::ServiceExt;

use super::handler::{Recorder, task};
use super::wire::{grpc, grpc_with, http, message, proto_message, rest, router, router_with, rpc, rpc_text};

const INVALID: i64 = INVALID_PARAMS as i64;
/// The default of what may be inside each other, which is also the most.
const DEEPEST: usize = 30;

fn objects(depth: usize) -> Value {
    (1..depth).fold(json!({}), |inner, _| json!({ "a": inner }))
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_on_every_binding_and_one_at_it_is_not() {
    let handler = Recorder::new();
    let limits = RequestLimits::default().max_body_bytes(1000);
    let router = router_with(&handler, &limits);
    let rpc_body = |size: usize| {
        let head = r#"{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":""#;
        format!("{head}{}\"}}}}", "x".repeat(size - head.len() - 3))
    };
    let rest_body = |size: usize| {
        let head = r#"{"message":{"messageId":"1","role":"ROLE_USER","parts":[{"text":""#;
        format!("{head}{}\"}}]}}}}", "x".repeat(size - head.len() - 5))
    };
    for (size, over) in [(1000, false), (1001, true), (100_000, true)] {
        let code = if over { i64::from(INVALID_REQUEST) } else { 0 };
        let status = if over { 413 } else { 200 };
        for announced in [true, false] {
            let body = |text: String| {
                let chunks = futures::stream::iter([Ok::<_, std::io::Error>(text.clone())]);
                if announced { Body::from(text) } else { Body::from_stream(chunks) }
            };
            let request = |path: &str| {
                let request = Request::post(path).header("a2a-version", "1.0");
                let request = request.header("content-type", "application/json");
                if announced { request.header("content-length", size) } else { request }
            };
            let answer = http(&router, request("/").body(body(rpc_body(size))).unwrap()).await;
            assert_eq!((answer.status.as_u16(), answer.rpc_code()), (status, code), "{size} {announced}");
            let answer = http(&router, request("/message:send").body(body(rest_body(size))).unwrap()).await;
            assert_eq!((answer.status.as_u16(), answer.rest_code()), (status, code), "{size} {announced}");
        }
        let overhead = if size > 16_000 { 4 } else { 3 };
        let request = GetTaskRequest { id: "x".repeat(size - overhead), ..GetTaskRequest::default() };
        let request = prost::Message::encode_to_vec(&request);
        assert_eq!(request.len(), size);
        let answer = grpc_with(&handler, &limits, Some("1.0"), "GetTask", &request).await;
        let status = if over { Code::InvalidArgument } else { Code::Ok };
        assert_eq!((answer.code(), answer.a2a_code()), (status, code), "gRPC, {size}");
    }
}

#[tokio::test]
async fn more_than_four_megabytes_pass_by_default_on_every_binding() {
    let handler = Recorder::new();
    let router = router(&handler);
    let text = "x".repeat(5 * 1024 * 1024);
    let mut large = message();
    large["parts"][0]["text"] = json!(text);
    let large = json!({ "message": large });
    assert_eq!(rpc(&router, "SendMessage", large.clone()).await.rpc_code(), 0);
    assert_eq!(rest(&router, "POST", "/message:send", Some(large)).await.rest_code(), 0);
    let mut message = proto_message();
    message.parts[0].content = Some(Content::Text(text));
    let request = SendMessageRequest { message: Some(message), ..SendMessageRequest::default() };
    assert_eq!(grpc(&handler, "SendMessage", &request).await.a2a_code(), 0);
}

#[tokio::test]
async fn data_and_metadata_nest_as_deep_as_the_limit_says_on_every_binding() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (depth, code) in [(DEEPEST, 0), (DEEPEST + 1, INVALID), (60, INVALID), (110, INVALID)] {
        let deep = objects(depth);
        let fields = serde_json::from_value(deep.clone()).unwrap();
        let mut requests = Vec::new();
        for (place, key) in [
            ("/message/parts/0", "data"),
            ("/message/parts/0", "metadata"),
            ("/message", "metadata"),
            ("", "metadata"),
        ] {
            let mut request = json!({ "message": message() });
            let target = request.pointer_mut(place).unwrap();
            target[key] = deep.clone();
            if key == "data" {
                target.as_object_mut().unwrap().remove("text");
            }
            requests.push(request);
        }
        for request in requests {
            assert_eq!(rpc(&router, "SendMessage", request.clone()).await.rpc_code(), code, "{depth}");
            assert_eq!(
                rest(&router, "POST", "/message:send", Some(request)).await.rest_code(),
                code,
                "{depth}"
            );
        }
        let cancel = json!({ "id": "t1", "metadata": deep });
        assert_eq!(rpc(&router, "CancelTask", cancel.clone()).await.rpc_code(), code, "{depth}");
        assert_eq!(
            rest(&router, "POST", "/tasks/t1:cancel", Some(cancel)).await.rest_code(),
            code,
            "{depth}"
        );

        let mut message = proto_message();
        message.parts[0].content = Some(Content::Data(json_value_to_proto_value(&deep)));
        let request = SendMessageRequest { message: Some(message), ..SendMessageRequest::default() };
        assert_eq!(grpc(&handler, "SendMessage", &request).await.a2a_code(), code, "gRPC data, {depth}");
        let metadata = Some(to_proto_struct(&fields));
        let mut message = proto_message();
        message.metadata = metadata.clone();
        let request = SendMessageRequest { message: Some(message), ..SendMessageRequest::default() };
        assert_eq!(grpc(&handler, "SendMessage", &request).await.a2a_code(), code, "gRPC metadata, {depth}");
        let request = CancelTaskRequest { id: "t1".into(), metadata, ..CancelTaskRequest::default() };
        assert_eq!(grpc(&handler, "CancelTask", &request).await.a2a_code(), code, "gRPC cancel, {depth}");
    }
}

#[test]
fn what_the_limit_lets_in_can_be_listed_again() {
    let mut task = task();
    let data = objects(DEEPEST);
    task.history = Some(vec![Message::new(Role::User, vec![Part::data(data)])]);
    let page =
        ListTasksResponse { tasks: vec![task], next_page_token: String::new(), page_size: 50, total_size: 1 };
    protojson_conv::to_value(&page).unwrap();
}

#[tokio::test]
async fn a_body_that_would_take_many_times_its_size_is_refused_before_anything_is_built() {
    let handler = Recorder::new();
    let router = router(&handler);
    let megabytes = 9 * 1024 * 1024;
    for dense in [r#"{"":0}"#, "{}", "[]", "0", r#""""#] {
        let list = format!("[{}]", vec![dense; megabytes / (dense.len() + 1)].join(","));
        let message = format!(r#"{{"messageId":"m","role":"ROLE_USER","parts":[{{"data":{list}}}]}}"#);
        let rpc =
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{{"message":{message}}}}}"#);
        let answer = rpc_text(&router, rpc).await;
        assert_eq!((answer.status.as_u16(), answer.rpc_code()), (413, i64::from(INVALID_REQUEST)), "{dense}");
        let request = Request::post("/message:send").header("a2a-version", "1.0");
        let request = request.header("content-type", "application/json");
        let answer = http(&router, request.body(format!(r#"{{"message":{message}}}"#).into()).unwrap()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.rest_code()),
            (413, i64::from(INVALID_REQUEST)),
            "{dense}"
        );
    }
    let list = json_value_to_proto_value(&Value::Array(vec![json!({ "": 0 }); 500_000]));
    let mut message = proto_message();
    message.parts = vec![proto::Part { content: Some(Content::Data(list)), ..proto::Part::default() }];
    let request = SendMessageRequest { message: Some(message), ..SendMessageRequest::default() };
    for method in ["SendMessage", "SendStreamingMessage"] {
        let answer = grpc(&handler, method, &request).await;
        assert_eq!(
            (answer.code(), answer.a2a_code()),
            (Code::InvalidArgument, INVALID_REQUEST.into()),
            "{method}"
        );
    }
    // A group, empty, of a field that nobody knows.
    let group = [&[0x7b, 0x7c], &prost::Message::encode_to_vec(&request)[..]].concat();
    let answer = grpc_with(&handler, &RequestLimits::default(), Some("1.0"), "SendMessage", &group).await;
    assert_eq!((answer.code(), answer.a2a_code()), (Code::InvalidArgument, INVALID_REQUEST.into()));
    assert!(answer.status.message().contains("more values"), "{answer:?}");
    assert!(handler.take().is_empty());
}

/// A byte that is counted for as long as somebody keeps it.
struct Kept(Arc<AtomicUsize>, [u8; 1]);

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.1
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_string_that_an_error_would_show_at_many_times_its_size_is_refused() {
    let router = router(&Recorder::new());
    for (byte, status, code) in [("\u{7f}", 413, i64::from(INVALID_REQUEST)), ("x", 400, INVALID)] {
        let body = json!({ "message": byte.repeat(9 * 1024 * 1024) });
        let answer = rest(&router, "POST", "/message:send", Some(body)).await;
        assert_eq!((answer.status.as_u16(), answer.rest_code()), (status, code), "{byte:?}");
    }
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_not_kept_that_way() {
    let handler = Recorder::new();
    let router = router(&handler);
    let (kept, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let bytewise = |body: Vec<u8>| {
        let (kept, most) = (Arc::clone(&kept), Arc::clone(&most));
        Body::from_stream(futures::stream::iter(body).map(move |byte| {
            most.fetch_max(kept.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(Bytes::from_owner(Kept(Arc::clone(&kept), [byte])))
        }))
    };
    let answer =
        rpc_text(&router, bytewise(br#"{"jsonrpc":"2.0","id":1,"method":"ListTasks"}"#.to_vec())).await;
    assert_eq!(answer.rpc_code(), 0);
    let body = json!({ "message": message() }).to_string();
    let request = Request::post("/message:send").header("a2a-version", "1.0");
    let request = request.header("content-type", "application/json");
    assert_eq!(http(&router, request.body(bytewise(body.into())).unwrap()).await.rest_code(), 0);
    let message = SendMessageRequest { message: Some(proto_message()), ..SendMessageRequest::default() };
    let message = prost::Message::encode_to_vec(&message);
    let frame = [&[0, 0, 0, 0, u8::try_from(message.len()).unwrap()], &message[..]].concat();
    let request = Request::post("/lf.a2a.v1.A2AService/SendMessage").header("a2a-version", "1.0");
    let request = request.header("content-type", "application/grpc").body(bytewise(frame)).unwrap();
    grpc_service(Arc::clone(&handler), &RequestLimits::default()).oneshot(request).await.unwrap();
    assert_eq!(handler.take().len(), 3);
    assert_eq!(most.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_compressed_body_is_refused_and_told_what_is_accepted() {
    let handler = Recorder::new();
    let router = router(&handler);
    let body = json!({ "message": message() }).to_string();
    for (encoding, accepted) in [("gzip", false), ("identity, br", false), ("identity", true), ("", true)] {
        let request = Request::post("/message:send").header("a2a-version", "1.0");
        let request = request.header("content-type", "application/json").header("content-encoding", encoding);
        let answer = http(&router, request.body(body.clone().into()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), if accepted { 200 } else { 415 }, "{encoding}");
        assert_eq!(answer.header("accept-encoding"), if accepted { "" } else { "identity" }, "{encoding}");
        let request = Request::post("/").header("a2a-version", "1.0");
        let request = request.header("content-type", "application/json").header("content-encoding", encoding);
        let asks = r#"{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":"t1"}}"#;
        let answer = http(&router, request.body(asks.into()).unwrap()).await;
        assert_eq!(answer.status.as_u16(), if accepted { 200 } else { 415 }, "{encoding}");
    }
}

#[tokio::test]
async fn no_cache_keeps_what_is_for_one_caller() {
    let router = router(&Recorder::new());
    let body = json!({ "message": message() });
    for (method, path, body, says) in [
        ("GET", "/tasks/t1", None, "no-store"),
        ("GET", "/nowhere", None, "no-store"),
        ("POST", "/message:send", Some(body.clone()), "no-store"),
        ("POST", "/message:stream", Some(body), "no-cache, no-transform"),
    ] {
        let answer = rest(&router, method, path, body).await;
        assert_eq!(answer.header("cache-control"), says, "{method} {path}");
    }
    assert_eq!(rpc(&router, "GetTask", json!({ "id": "t1" })).await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_lower_limit_of_nesting_counts_and_a_higher_one_does_not() {
    let handler = Recorder::new();
    let with = |levels| router_with(&handler, &RequestLimits::default().max_nesting(levels));
    let request = |depth| {
        let mut message = message();
        message["parts"] = json!([{ "data": objects(depth) }]);
        json!({ "message": message })
    };
    assert_eq!(rpc(&with(2), "SendMessage", request(2)).await.rpc_code(), 0);
    assert_eq!(rpc(&with(2), "SendMessage", request(3)).await.rpc_code(), INVALID);
    assert_eq!(rpc(&with(1000), "SendMessage", request(DEEPEST + 1)).await.rpc_code(), INVALID);
}

#[tokio::test]
async fn json_deeper_than_the_parser_goes_is_a_parse_error() {
    let router = router(&Recorder::new());
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let mut deep_data = message();
    deep_data["parts"] = json!([{ "data": "DEEP" }]);
    let deep_data = json!({ "message": deep_data }).to_string().replace("\"DEEP\"", &deep);
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{deep_data}}}"#);
    assert_eq!(rpc_text(&router, body).await.rpc_code(), i64::from(PARSE_ERROR));
    let deep_metadata = format!(r#"{{"metadata":{{"x":{deep}}}}}"#);
    for (path, body) in [("/message:send", deep_data), ("/tasks/t1:cancel", deep_metadata)] {
        let request =
            Request::post(path).header("a2a-version", "1.0").header("content-type", "application/json");
        let answer = http(&router, request.body(Body::from(body)).unwrap()).await;
        assert_eq!((answer.status.as_u16(), answer.rest_code()), (400, i64::from(PARSE_ERROR)), "{path}");
    }
    // Of a field that nobody knows nothing is built, so it may be as deep as it likes.
    let unknown =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{{"id":"t","x":{deep}}}}}"#);
    assert_eq!(rpc_text(&router, unknown).await.rpc_code(), 0);
}

#[tokio::test]
async fn the_name_that_hides_nesting_is_refused_beside_what_is_deeper_than_a_parser_goes() {
    let router = router(&Recorder::new());
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let hides = r#"[{"\u0024serde_json::private::RawValue":"[[[1]]]"}]"#;
    let message = format!(r#"{{"messageId":"m","role":"ROLE_USER","parts":[{{"data":{hides}}}]}}"#);
    let body = format!(
        r#"{{"x":{deep},"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{{"message":{message}}}}}"#
    );
    let answer = rpc_text(&router, body).await;
    assert_eq!((answer.status.as_u16(), answer.rpc_code()), (400, i64::from(INVALID_REQUEST)));
    let request = Request::post("/message:send").header("a2a-version", "1.0");
    let request = request.header("content-type", "application/json");
    let body = format!(r#"{{"x":{deep},"message":{message}}}"#);
    let answer = http(&router, request.body(body.into()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.rest_code()), (400, i64::from(INVALID_REQUEST)));
}

#[tokio::test]
async fn protobuf_deeper_than_the_decoder_goes_is_the_clients_mistake() {
    let handler = Recorder::new();
    let mut message = proto_message();
    message.parts[0].content = Some(Content::Data(json_value_to_proto_value(&objects(100))));
    let request = SendMessageRequest { message: Some(message), ..proto::SendMessageRequest::default() };
    let answer = grpc(&handler, "SendMessage", &request).await;
    assert_eq!((answer.code(), answer.a2a_code()), (Code::InvalidArgument, INVALID));
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn beyond_what_an_instance_may_hold_requests_are_told_to_come_again() {
    let handler = Recorder::new();
    let limits = RequestLimits::default().max_bytes_in_flight(500);
    let router = router_with(&handler, &limits);
    let with = |size: usize| {
        let mut message = message();
        message["parts"] = json!([{ "text": "x".repeat(size) }]);
        json!({ "message": message })
    };
    for (size, taken) in [(10, true), (1_000, false), (10, true)] {
        let answer = rpc(&router, "SendMessage", with(size)).await;
        assert_eq!(answer.status.as_u16(), if taken { 200 } else { 503 }, "{size}");
        assert_eq!(answer.header("retry-after"), if taken { "" } else { "1" }, "{size}");
        let answer = rest(&router, "POST", "/message:send", Some(with(size))).await;
        assert_eq!(answer.status.as_u16(), if taken { 200 } else { 503 }, "{size}");
        let text = proto::Part { content: Some(Content::Text("x".repeat(size))), ..proto::Part::default() };
        let mut message = proto_message();
        message.parts = vec![text];
        let request = SendMessageRequest { message: Some(message), ..SendMessageRequest::default() };
        let request = prost::Message::encode_to_vec(&request);
        let answer = grpc_with(&handler, &limits, Some("1.0"), "SendMessage", &request).await;
        assert_eq!(answer.code(), if taken { Code::Ok } else { Code::Unavailable }, "{size}");
    }
}
