//! What is filled in, left out and refused.

use a2a::{Artifact, Part, PartContent, Role, TaskArtifactUpdateEvent};

use super::*;
use crate::reduce::{Refusal, user_message};
use crate::samples::{document, says};

fn refusal(event: StreamResponse) -> Option<Refusal> {
    admit(&task(TaskState::Working), event, &Clock::new()).err()
}

fn with_ids(event: StreamResponse, task_id: &str, context_id: &str) -> StreamResponse {
    let (task_id, context_id) = (task_id.to_owned(), context_id.to_owned());
    match event {
        StreamResponse::StatusUpdate(event) => {
            StreamResponse::StatusUpdate(TaskStatusUpdateEvent { task_id, context_id, ..event })
        }
        StreamResponse::ArtifactUpdate(event) => {
            StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent { task_id, context_id, ..event })
        }
        StreamResponse::Task(task) => StreamResponse::Task(Task { id: task_id, context_id, ..task }),
        message @ StreamResponse::Message(_) => message,
    }
}

fn samples() -> [StreamResponse; 3] {
    [
        status_update(TaskState::InputRequired, None),
        artifact_update(document("a", "x"), None),
        StreamResponse::Task(task(TaskState::InputRequired)),
    ]
}

#[test]
fn missing_ids_are_filled_in() {
    for event in samples() {
        let admitted = admit(&task(TaskState::Working), with_ids(event, "", ""), &Clock::new()).unwrap();
        let right: Vec<_> = admitted.iter().map(|event| with_ids(event.clone(), "task", "context")).collect();
        assert_eq!(admitted, right);
        assert_eq!(admitted.len(), 1);
    }
}

#[test]
fn wrong_ids_are_refused() {
    for event in samples() {
        assert_eq!(refusal(with_ids(event.clone(), "task", "context")), None);
        assert_eq!(refusal(with_ids(event.clone(), "other", "context")), Some(Refusal::OtherTask));
        assert_eq!(refusal(with_ids(event.clone(), "task", "other")), Some(Refusal::OtherContext));
        assert_eq!(refusal(with_ids(event, "TASK", "")), Some(Refusal::OtherTask));
    }
}

#[test]
fn a_status_without_a_state_is_refused() {
    assert_eq!(refusal(status_update(TaskState::Unspecified, None)), Some(Refusal::NoState));
}

#[test]
fn an_artifact_without_an_id_is_refused() {
    assert_eq!(refusal(artifact_update(document("", "x"), None)), Some(Refusal::NoArtifactId));
    let whole = Task { artifacts: Some(vec![document("", "x")]), ..task(TaskState::Working) };
    assert_eq!(refusal(StreamResponse::Task(whole)), Some(Refusal::NoArtifactId));
}

#[test]
fn refusals_repeat_nothing_that_the_agent_said() {
    let secret = "s3cret";
    let refused = [
        with_ids(status_update(TaskState::Working, Some(says(secret, secret))), secret, ""),
        with_ids(artifact_update(document(secret, secret), None), "", secret),
        artifact_update(document("", secret), None),
        status_update(TaskState::Unspecified, Some(says(secret, secret))),
    ];
    for event in refused {
        let refusal = refusal(event).unwrap();
        assert!(!format!("{refusal} {refusal:?}").contains(secret));
    }
}

#[test]
fn an_agents_message_gets_an_id_a_role_and_its_task() {
    let bare = Message {
        message_id: String::new(),
        role: Role::Unspecified,
        task_id: Some("other".into()),
        context_id: None,
        ..says("", "x")
    };
    let message = after([StreamResponse::Message(bare)]).status.message.unwrap();
    assert_eq!(message, says("00000000-0000-0000-0000-000000000001", "x"));

    let own = Message { role: Role::User, ..says("own", "x") };
    let message = after([StreamResponse::Message(own)]).status.message.unwrap();
    assert_eq!((message.message_id.as_str(), message.role), ("own", Role::User));
}

#[test]
fn a_callers_message_gets_a_role_and_its_task() {
    let bare = Message { role: Role::Unspecified, task_id: None, context_id: None, ..says("m", "x") };
    let expected = Message { role: Role::User, ..says("m", "x") };
    assert_eq!(user_message(&task(TaskState::Working), bare), expected);
    let agents = says("m", "x");
    assert_eq!(user_message(&task(TaskState::Working), agents.clone()), agents);
}

fn hollow_part() -> Part {
    Part {
        content: PartContent::Text(String::new()),
        filename: Some(String::new()),
        media_type: Some(String::new()),
        metadata: map([]),
    }
}

#[test]
fn empty_optional_fields_of_messages_are_left_out() {
    let hollow = Message {
        parts: vec![hollow_part()],
        metadata: map([]),
        extensions: Some(vec![]),
        reference_task_ids: Some(vec![]),
        ..says("m", "")
    };
    let solid = says("m", "");
    assert_eq!(user_message(&task(TaskState::Working), hollow.clone()), solid);
    assert_eq!(after([StreamResponse::Message(hollow)]).status.message, Some(solid));
}

#[test]
fn empty_optional_fields_of_artifacts_are_left_out() {
    let hollow = Artifact {
        name: Some(String::new()),
        description: Some(String::new()),
        parts: vec![hollow_part()],
        metadata: map([]),
        extensions: Some(vec![]),
        ..document("a", "")
    };
    assert_eq!(after([artifact_update(hollow, None)]).artifacts, Some(vec![document("a", "")]));
}

#[test]
fn entries_under_the_json_parsers_own_keys_are_left_out() {
    // Such an entry reads back as another value, or stops its whole record from being read at all.
    let key = "$serde_json::private::RawValue";
    let bait = json!({ key: 5, "kept": [{ key: "[1]", "also": 1 }] });
    let kept = json!({ "kept": [{ "also": 1 }] });
    let text = serde_json::to_string(&bait).unwrap();
    assert!(serde_json::from_str::<Value>(&text).is_err(), "the key is not special any more");

    let message = Message {
        metadata: map([(key, json!("{}"))]),
        parts: vec![Part { metadata: map([("in", bait.clone())]), ..Part::data(bait) }],
        ..says("m", "")
    };
    let stripped = user_message(&task(TaskState::Working), message);
    assert_eq!(stripped.metadata, None);
    assert_eq!(stripped.parts, [Part { metadata: map([("in", kept.clone())]), ..Part::data(kept) }]);
}
