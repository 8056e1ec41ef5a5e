//! Requests that cannot be read, are too large, or speak another version: refused before any agent hears of them.

use a2a::error_code::{
    CONTENT_TYPE_NOT_SUPPORTED, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR,
    VERSION_NOT_SUPPORTED,
};
use a2a_testworld::Binding;
use integration_tests::raw::{Draft, Operation, Raw};
use serde_json::{Value, json};
use tonic::Code;

use super::bad_input::{expected, told};
use super::stage::{Place, Stage, everything, on_every_binding};

fn sending(text: &str) -> Value {
    json!({ "message": { "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": text }] } })
}

fn send(binding: Binding) -> Draft {
    Draft::of(binding, Operation::SendMessage, &sending("done"))
}

async fn on(binding: Binding) -> (Stage, Raw) {
    let stage = Place { binding, instances: 3 }.stage().await;
    let raw = Raw::new(&stage.fleet, binding);
    (stage, raw)
}

async fn nothing_happened(stage: Stage) {
    let all = stage.sdk.list_tasks(&everything()).await.unwrap();
    assert_eq!(all.total_size, 0);
    stage.leave().await;
}

on_every_binding! {
    async fn versions_other_than_one_are_refused(place) {
        let stage = place.stage().await;
        let raw = Raw::new(&stage.fleet, place.binding);
        for version in [None, Some(""), Some("0.3"), Some("2.0"), Some("10"), Some("one")] {
            let raw = raw.clone().with("a2a-version", version);
            for operation in Operation::ALL {
                let mut params = json!({ "id": "t" });
                match operation {
                    Operation::SendMessage | Operation::SendStreamingMessage => params = sending("done"),
                    Operation::ListTasks | Operation::GetExtendedAgentCard => params = json!({}),
                    Operation::CreateTaskPushNotificationConfig
                    | Operation::GetTaskPushNotificationConfig
                    | Operation::DeleteTaskPushNotificationConfig => params["taskId"] = "t".into(),
                    Operation::ListTaskPushNotificationConfigs => params = json!({ "taskId": "t" }),
                    _ => {}
                }
                let failure = raw.ask(operation, &params).await.failure();
                let wanted = expected(place.binding, VERSION_NOT_SUPPORTED);
                assert_eq!(told(&failure), wanted, "{version:?} {operation:?}");
            }
        }
        for version in ["1.0", "1", "1.0.7", "1.0, 1.0"] {
            let raw = raw.clone().with("a2a-version", Some(version));
            raw.ask(Operation::ListTasks, &json!({})).await.result().unwrap();
        }
        nothing_happened(stage).await;
    }

    async fn a_request_that_is_too_large_is_refused(place) {
        let stage = place.stage_of(|plan| plan.limits(|limits| limits.max_body_bytes(100_000))).await;
        let raw = Raw::new(&stage.fleet, place.binding);
        for size in [100_001, 1_000_000, 5_000_000] {
            let draft = Draft::of(place.binding, Operation::SendMessage, &sending(&"x".repeat(size)));
            let failure = raw.send(draft).await.failure();
            let wanted = match place.binding {
                Binding::Grpc => (INVALID_REQUEST, None, Some(Code::InvalidArgument)),
                _ => (INVALID_REQUEST, Some(413), None),
            };
            assert_eq!(told(&failure), wanted, "{size}");
        }
        nothing_happened(stage).await;
    }

    async fn nesting_that_no_parser_takes_is_refused(place) {
        let stage = place.stage().await;
        let raw = Raw::new(&stage.fleet, place.binding);
        for levels in [130, 5_000, 100_000] {
            let draft = match place.binding {
                Binding::Grpc => Draft::grpc(Operation::SendMessage, &nested_struct(levels.min(2_000))),
                binding => {
                    let data = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
                    let body = String::from_utf8(send(binding).body.to_vec()).unwrap();
                    send(binding).body(body.replace(r#""text":"done""#, &format!(r#""data":{data}"#)))
                }
            };
            let answer = raw.send(draft).await;
            let code = if place.binding == Binding::Grpc { INVALID_PARAMS } else { PARSE_ERROR };
            let wanted = match place.binding {
                // Each list has room for some items as soon as it is there: so many are refused for what they would take.
                Binding::JsonRpc | Binding::Rest if levels == 100_000 => (INVALID_REQUEST, Some(413), None),
                binding => expected(binding, code),
            };
            assert_eq!(told(&answer.failure()), wanted, "{levels}");
        }
        nothing_happened(stage).await;
    }
}

/// A `SendMessageRequest` whose one data part is a list in a list in a list: field numbers from `a2a.proto` and
/// `struct.proto`, because no library writes what no library reads.
fn nested_struct(levels: usize) -> Vec<u8> {
    fn field(number: u8, content: Vec<u8>) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2];
        prost::encode_length_delimiter(content.len(), &mut bytes).unwrap();
        bytes.extend(content);
        bytes
    }
    const LIST: u8 = 6;
    let data = (0..levels).fold(Vec::new(), |value, _| field(LIST, field(1, value)));
    let part = field(4, data);
    let message = [field(1, b"m".into()), vec![4 << 3, 1], field(5, part)].concat();
    field(2, message)
}

#[tokio::test]
async fn json_rpc_envelopes_that_are_none_are_refused() {
    let (stage, raw) = on(Binding::JsonRpc).await;
    let whole: Value = serde_json::from_slice(&send(Binding::JsonRpc).body).unwrap();
    let with = |field: &str, value: Value| {
        let mut envelope = whole.clone();
        envelope[field] = value;
        envelope.to_string()
    };
    for (body, code) in [
        (String::new(), PARSE_ERROR),
        ("{".into(), PARSE_ERROR),
        ("hello".into(), PARSE_ERROR),
        ("[]".into(), INVALID_REQUEST),
        (json!([whole]).to_string(), INVALID_REQUEST),
        ("{}".into(), INVALID_REQUEST),
        (with("jsonrpc", "1.0".into()), INVALID_REQUEST),
        (with("jsonrpc", Value::Null), INVALID_REQUEST),
        (with("id", json!({})), INVALID_REQUEST),
        (with("method", "message/send".into()), METHOD_NOT_FOUND),
        (with("method", "".into()), INVALID_REQUEST),
        (with("method", 7.into()), INVALID_REQUEST),
        (with("params", json!([])), INVALID_PARAMS),
        (with("params", json!("x")), INVALID_PARAMS),
        (with("params", json!({ "message": 7 })), INVALID_PARAMS),
        (with("params", json!({ "message": { "parts": 7 } })), INVALID_PARAMS),
    ] {
        let answer = raw.send(send(Binding::JsonRpc).body(body.clone())).await;
        assert_eq!(told(&answer.failure()), (code, Some(200), None), "{body}");
    }
    nothing_happened(stage).await;
}

#[tokio::test]
async fn rest_bodies_and_queries_that_are_none_are_refused() {
    let (stage, raw) = on(Binding::Rest).await;
    for (body, code) in [
        ("", PARSE_ERROR),
        ("{", PARSE_ERROR),
        ("hello", PARSE_ERROR),
        ("[]", INVALID_PARAMS),
        ("7", INVALID_PARAMS),
        (r#"{"message":7}"#, INVALID_PARAMS),
        (r#"{"message":{"parts":7}}"#, INVALID_PARAMS),
    ] {
        let answer = raw.send(send(Binding::Rest).body(body)).await;
        assert_eq!(told(&answer.failure()), (code, Some(400), None), "{body}");
    }
    for query in ["pageSize=many", "statusTimestampAfter=yesterday", "includeArtifacts=maybe", "status=bored"]
    {
        let mut draft = Draft::of(Binding::Rest, Operation::ListTasks, &json!({}));
        draft.path = format!("/tasks?{query}");
        let failure = raw.send(draft).await.failure();
        assert_eq!(told(&failure), (INVALID_PARAMS, Some(400), None), "{query}");
    }
    nothing_happened(stage).await;
}

#[tokio::test]
async fn http_bodies_must_be_announced_as_json() {
    for binding in [Binding::JsonRpc, Binding::Rest] {
        let (stage, raw) = on(binding).await;
        for content_type in ["text/plain", "application/xml", "multipart/form-data", ""] {
            let answer = raw.send(send(binding).content_type(Some(content_type))).await;
            let wanted = (CONTENT_TYPE_NOT_SUPPORTED, Some(415), None);
            assert_eq!(told(&answer.failure()), wanted, "{binding:?} {content_type:?}");
        }
        nothing_happened(stage).await;
    }
}

#[tokio::test]
async fn grpc_messages_that_are_none_are_refused() {
    let (stage, raw) = on(Binding::Grpc).await;
    for message in [&[0xff][..], &[0x0a, 0x7f], b"hello"] {
        let answer = raw.send(Draft::grpc(Operation::SendMessage, message)).await;
        assert_eq!(told(&answer.failure()), expected(Binding::Grpc, INVALID_PARAMS), "{message:?}");
    }
    let mut unknown = Draft::grpc(Operation::SendMessage, &[]);
    unknown.path = "/lf.a2a.v1.A2AService/Nothing".into();
    assert_eq!(raw.send(unknown).await.grpc_code(), Code::Unimplemented);
    for content_type in [None, Some("application/json"), Some("application/a2a+json")] {
        let wrong = Draft::grpc(Operation::ListTasks, &[]).content_type(content_type);
        assert_eq!(raw.send(wrong).await.status, 415, "{content_type:?}");
    }
    nothing_happened(stage).await;
}
