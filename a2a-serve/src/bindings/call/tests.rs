//! What is written by ours is what the SDK's transports would have written.

use a2a::{ListTasksResponse, Part, PartContent, SendMessageResponse, StreamResponse, Task, TaskState};
use a2a_core::reduce;
use a2a_pb::protojson_conv::{self, ProtoJsonPayload};
use a2a_testkit::sample::{at, chunk, message, parts_of_every_kind, status_saying, task};
use serde::Serialize;
use serde_json::{Value, json};

use super::Whole;
use crate::bindings::nesting;

/// Protobuf knows one kind of number, and leaves out what is empty or false.
fn as_protobuf_sees_it(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64().unwrap()),
        Value::Array(items) => items.into_iter().map(as_protobuf_sees_it).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, field)| (name, as_protobuf_sees_it(field))).collect()
        }
        other => other,
    }
}

fn assert_same(ours: &impl Serialize, theirs: &impl ProtoJsonPayload) {
    let ours = as_protobuf_sees_it(serde_json::to_value(ours).unwrap());
    assert_eq!(ours, as_protobuf_sees_it(protojson_conv::to_value(theirs).unwrap()));
}

/// Protobuf nests about thirty levels; what is deeper comes through no binding.
fn parts() -> Vec<Part> {
    let shallow = |part: &Part| {
        let data = match &part.content {
            PartContent::Data(data) => Some(data),
            _ => None,
        };
        let metadata = part.metadata.iter().flat_map(|metadata| metadata.values());
        data.into_iter().chain(metadata).all(|value| nesting::json_within(value, 23))
    };
    parts_of_every_kind().into_iter().filter(shallow).collect()
}

/// Events with everything that an event may hold, and the task that they make.
fn events() -> (Vec<StreamResponse>, Task) {
    let mut whole = task("t", "c", TaskState::Working, at(1_700_000_000_123));
    let events = vec![
        chunk(&whole, "a", parts(), false),
        chunk(&whole, "a", parts(), true),
        message(&whole, "m", parts()),
        status_saying(&whole, TaskState::InputRequired, at(1_700_000_001_000), "s", parts()),
    ];
    events.iter().for_each(|event| reduce::apply(&mut whole, event));
    (events, whole)
}

#[test]
fn an_event_is_written_as_the_sdks_transports_write_it() {
    let (events, whole) = events();
    for event in events.into_iter().chain([StreamResponse::Task(whole)]) {
        assert_same(&event, &event);
    }
}

#[test]
fn an_answer_is_written_as_the_sdks_transports_write_it() {
    let (events, whole) = events();
    assert_same(&Whole::Task(whole.clone()), &whole);
    let mut sent = vec![SendMessageResponse::Task(whole.clone())];
    sent.extend(events.into_iter().filter_map(|event| match event {
        StreamResponse::Message(message) => Some(SendMessageResponse::Message(message)),
        _ => None,
    }));
    assert_eq!(sent.len(), 2);
    for sent in sent {
        assert_same(&Whole::Sent(sent.clone()), &sent);
    }
    let page = ListTasksResponse {
        tasks: vec![whole],
        next_page_token: "next".into(),
        page_size: 50,
        total_size: 7,
    };
    assert_same(&Whole::Page(page.clone()), &page);
}

#[test]
fn an_empty_page_says_so() {
    let page =
        ListTasksResponse { tasks: vec![], next_page_token: String::new(), page_size: 50, total_size: 0 };
    let written = serde_json::to_value(Whole::Page(page)).unwrap();
    assert_eq!(written, json!({ "tasks": [], "nextPageToken": "", "pageSize": 50, "totalSize": 0 }));
}
