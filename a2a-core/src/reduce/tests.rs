//! The reducer's rules one by one, and what holds for any sequence of events.

mod admission;
mod content;
mod fold;
mod properties;
mod status;
mod whole_task;

use a2a::{
    Artifact, Message, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState, TaskStatus,
    TaskStatusUpdateEvent,
};
use serde_json::{Value, json};
use std::collections::HashMap;

use super::{admit, apply};
use crate::samples::{Clock, task};

fn status_update(state: TaskState, message: Option<Message>) -> StreamResponse {
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
        task_id: String::new(),
        context_id: String::new(),
        status: TaskStatus { state, message, timestamp: None },
        metadata: None,
    })
}

fn artifact_update(artifact: Artifact, append: Option<bool>) -> StreamResponse {
    StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
        task_id: String::new(),
        context_id: String::new(),
        artifact,
        append,
        last_chunk: None,
        metadata: None,
    })
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Option<HashMap<String, Value>> {
    Some(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Lets a working task's agent say all of this.
fn after(said: impl IntoIterator<Item = StreamResponse>) -> Task {
    let clock = Clock::new();
    let mut task = task(TaskState::Working);
    for event in said {
        for event in admit(&task, event, &clock).unwrap() {
            apply(&mut task, &event);
        }
    }
    task
}

fn history(task: &Task) -> Vec<&str> {
    task.history.iter().flatten().map(|message| message.message_id.as_str()).collect()
}

fn texts(task: &Task, artifact: &str) -> Vec<String> {
    let artifact = task.artifacts.iter().flatten().find(|known| known.artifact_id == artifact).unwrap();
    artifact.parts.iter().map(|part| part.as_text().unwrap().to_owned()).collect()
}

const ENDED: [TaskState; 4] =
    [TaskState::Completed, TaskState::Failed, TaskState::Canceled, TaskState::Rejected];

const OPEN: [TaskState; 4] =
    [TaskState::Submitted, TaskState::Working, TaskState::InputRequired, TaskState::AuthRequired];

#[test]
fn metadata_of_status_updates_merges_into_the_tasks() {
    let told = |entries| {
        let StreamResponse::StatusUpdate(update) = status_update(TaskState::Working, None) else {
            unreachable!()
        };
        StreamResponse::StatusUpdate(TaskStatusUpdateEvent { metadata: entries, ..update })
    };
    let task = after([
        told(map([("kept", json!(1)), ("replaced", json!({ "deep": 1 }))])),
        told(map([("replaced", json!({ "other": 2 })), ("added", json!(null))])),
        told(None),
        told(map([])),
    ]);
    let expected = map([("kept", json!(1)), ("replaced", json!({ "other": 2 })), ("added", json!(null))]);
    assert_eq!(task.metadata, expected);
}

#[test]
fn metadata_of_artifact_updates_stays_with_the_event() {
    let StreamResponse::ArtifactUpdate(update) = artifact_update(crate::samples::document("a", "x"), None)
    else {
        unreachable!()
    };
    let metadata = map([("chunk", json!(1))]);
    let update = TaskArtifactUpdateEvent { metadata: metadata.clone(), ..update };
    let admitted = admit(&task(TaskState::Working), StreamResponse::ArtifactUpdate(update), &Clock::new());
    let [StreamResponse::ArtifactUpdate(admitted)] = &admitted.unwrap()[..] else { unreachable!() };
    assert_eq!(admitted.metadata, metadata);

    let task = after([StreamResponse::ArtifactUpdate(admitted.clone())]);
    assert_eq!(task.metadata, None);
    assert_eq!(task.artifacts.unwrap()[0].metadata, None);
}
