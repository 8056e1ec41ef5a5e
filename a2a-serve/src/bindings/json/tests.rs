//! ProtoJSON in all of its spellings.

use a2a::{A2AError, PartContent, Role, SendMessageRequest, TaskState};
use serde_json::{Value, json};

use super::*;

fn send(message: Value) -> Result<SendMessageRequest, A2AError> {
    read::<SendMessage>(&json!({ "message": message }).to_string(), &RequestLimits::default())
}

fn message(part: Value) -> Value {
    json!({ "messageId": "m", "role": "ROLE_USER", "parts": [part] })
}

fn content(part: Value) -> PartContent {
    send(message(part)).unwrap().message.parts.remove(0).content
}

fn fields(error: &A2AError) -> Vec<String> {
    let details = error.details.iter().flatten();
    let violations = details.filter_map(|detail| detail.value.get("fieldViolations")?.as_array().cloned());
    violations.flatten().filter_map(|one| Some(one.get("field")?.as_str()?.to_owned())).collect()
}

#[test]
fn null_is_absent_everywhere_but_in_data() {
    let request = json!({
        "tenant": null,
        "metadata": null,
        "configuration": { "historyLength": null, "acceptedOutputModes": null, "taskPushNotificationConfig": null },
        "message": {
            "messageId": "m", "role": "ROLE_USER", "contextId": null, "taskId": null, "metadata": null,
            "extensions": null, "referenceTaskIds": null,
            "parts": [{ "data": null, "text": null, "filename": null, "mediaType": null, "metadata": null }],
        },
    });
    let request = read::<SendMessage>(&request.to_string(), &RequestLimits::default()).unwrap();
    assert_eq!((request.tenant, request.metadata, request.message.context_id), (None, None, None));
    assert_eq!(request.message.parts[0].content, PartContent::Data(Value::Null));
}

#[test]
fn data_is_kept_as_it_is_or_refused() {
    for data in ["null", "true", "0", "1", "-1", "1.5", "9007199254740992", r#""1""#, "[1,{\"a\":[]}]", "{}"]
    {
        let data: Value = serde_json::from_str(data).unwrap();
        let PartContent::Data(kept) = content(json!({ "data": data.clone() })) else { panic!("{data}") };
        assert_eq!(kept.to_string(), data.to_string());
    }
    for number in ["9007199254740993", "-9007199254740993", "18446744073709551615", "18446744073709551617"] {
        let message = format!(r#"{{"messageId":"m","role":"ROLE_USER","parts":[{{"data":[{number}]}}]}}"#);
        let send = format!(r#"{{"message":{message},"metadata":{{"a":{number}}}}}"#);
        let error = read::<SendMessage>(&send, &RequestLimits::default()).unwrap_err();
        assert_eq!(fields(&error), ["message.parts[0].data", "metadata"], "{number}");
        let cancel = format!(r#"{{"id":"t","metadata":{{"a":[{number}]}}}}"#);
        let error = read::<CancelTask>(&cancel, &RequestLimits::default()).unwrap_err();
        assert_eq!(fields(&error), ["metadata"], "{number}");
    }
}

#[test]
fn numbers_enums_and_bytes_are_read_in_every_spelling() {
    for history in ["3", "\"3\"", "3.0"] {
        let get = format!(r#"{{"id":"t","historyLength":{history}}}"#);
        assert_eq!(
            read::<GetTask>(&get, &RequestLimits::default()).unwrap().history_length,
            Some(3),
            "{history}"
        );
    }
    for status in ["\"TASK_STATE_WORKING\"", "2"] {
        let list =
            read::<ListTasks>(&format!(r#"{{"status":{status}}}"#), &RequestLimits::default()).unwrap();
        assert_eq!(list.status, Some(TaskState::Working), "{status}");
    }
    for role in [json!("ROLE_USER"), json!(1)] {
        let mut message = message(json!({ "text": "x" }));
        message["role"] = role;
        assert_eq!(send(message).unwrap().message.role, Role::User);
    }
    for raw in ["+/8=", "+/8", "-_8=", "-_8"] {
        assert_eq!(content(json!({ "raw": raw })), PartContent::Raw(vec![0xfb, 0xff]), "{raw}");
    }
    let snake = r#"{"message":{"message_id":"m","context_id":"c","role":1,"parts":[{"text":"x","media_type":"a/b"}]}}"#;
    let snake = read::<SendMessage>(snake, &RequestLimits::default()).unwrap().message;
    assert_eq!((snake.context_id.as_deref(), snake.parts[0].media_type.as_deref()), (Some("c"), Some("a/b")));
}

#[test]
fn what_is_missing_or_wrong_is_told_by_the_name_of_its_field() {
    let without = |field: &str| {
        let mut message = message(json!({ "text": "x" }));
        message.as_object_mut().unwrap().remove(field);
        message
    };
    let with = |field: &str, value: Value| {
        let mut message = message(json!({ "text": "x" }));
        message[field] = value;
        message
    };
    for (message, field) in [
        (without("messageId"), "message.messageId"),
        (without("role"), "message.role"),
        (with("role", json!("ROLE_AGENT")), "message.role"),
        (with("role", json!("ROLE_UNSPECIFIED")), "message.role"),
        (with("role", json!("user")), "message.role"),
        (with("taskId", json!(7)), "message.taskId"),
        (with("parts", json!([{ "text": "x" }, {}])), "message.parts[1]"),
        (with("parts", json!([{ "text": "x", "url": "y" }])), "message.parts[0]"),
        (with("parts", json!([{ "text": 1 }])), "message.parts[0].text"),
        (with("parts", json!([{ "raw": "!" }])), "message.parts[0].raw"),
    ] {
        assert_eq!(fields(&send(message.clone()).unwrap_err()), [field], "{message}");
    }
    let error = read::<SendMessage>("{}", &RequestLimits::default()).unwrap_err();
    assert_eq!(fields(&error), ["message"]);
    assert_eq!(fields(&read::<GetTask>("{}", &RequestLimits::default()).unwrap_err()), ["id"]);
}

#[test]
fn a_body_may_repeat_the_task_of_its_url_but_not_contradict_it() {
    for (body, accepted) in [("{}", true), (r#"{"id":"t"}"#, true), (r#"{"id":"u"}"#, false)] {
        let cancel = read_for::<CancelTask>(body, "t", &RequestLimits::default());
        assert_eq!(cancel.map(|cancel| cancel.id).ok(), accepted.then(|| "t".to_owned()), "{body}");
    }
}
