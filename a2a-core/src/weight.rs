//! How many bytes something takes as JSON, roughly: a walk over its strings, cheaper than writing it.

use std::collections::HashMap;

use a2a::{Artifact, Message, Part, PartContent, StreamResponse, Task};
use serde_json::Value;

use crate::CommitRecord;

/// What field names, ids and punctuation add to an event.
const ENVELOPE: usize = 160;
const PER_PART: usize = 24;

/// The weight of a commit.
pub fn of_record(record: &CommitRecord) -> usize {
    record.events.iter().map(of_event).sum()
}

/// The weight of an event.
pub fn of_event(event: &StreamResponse) -> usize {
    ENVELOPE
        + match event {
            StreamResponse::Task(task) => of_task(task),
            StreamResponse::Message(message) => of_message(message),
            StreamResponse::StatusUpdate(update) => {
                update.status.message.as_ref().map_or(0, of_message) + of_map(update.metadata.as_ref())
            }
            StreamResponse::ArtifactUpdate(update) => {
                of_artifact(&update.artifact) + of_map(update.metadata.as_ref())
            }
        }
}

/// The weight of a message.
pub fn of_message(message: &Message) -> usize {
    ENVELOPE + of_parts(&message.parts) + of_map(message.metadata.as_ref())
}

/// The weight of a task.
pub fn of_task(task: &Task) -> usize {
    task.history.iter().flatten().map(of_message).sum::<usize>()
        + task.artifacts.iter().flatten().map(of_artifact).sum::<usize>()
        + task.status.message.as_ref().map_or(0, of_message)
        + of_map(task.metadata.as_ref())
}

fn of_artifact(artifact: &Artifact) -> usize {
    ENVELOPE + of_parts(&artifact.parts) + of_map(artifact.metadata.as_ref())
}

fn of_parts(parts: &[Part]) -> usize {
    parts.iter().map(|part| PER_PART + of_content(&part.content) + of_map(part.metadata.as_ref())).sum()
}

fn of_content(content: &PartContent) -> usize {
    match content {
        PartContent::Text(text) | PartContent::Url(text) => text.len(),
        // Base64 makes four bytes of three.
        PartContent::Raw(bytes) => bytes.len().div_ceil(3) * 4,
        PartContent::Data(value) => of_value(value),
    }
}

fn of_map(map: Option<&HashMap<String, Value>>) -> usize {
    map.map_or(0, |map| map.iter().map(|(key, value)| key.len() + 4 + of_value(value)).sum())
}

fn of_value(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 12,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| of_value(item) + 1).sum::<usize>() + 2,
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| key.len() + 4 + of_value(value)).sum::<usize>() + 2
        }
    }
}
