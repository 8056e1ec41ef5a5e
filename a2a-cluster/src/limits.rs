//! Measuring what callers and agents send against the limits.

use a2a::{A2AError, Artifact, Message, Part, PartContent, StreamResponse, Task};
use a2a_core::weight;
use serde_json::Value;
use std::collections::HashMap;

use crate::ground::Limits;

/// Checks a caller's message (specification, sections 3.3.2 and 4.1.4).
pub(crate) fn check_message(message: &Message, limits: &Limits) -> Result<(), A2AError> {
    if message.message_id.is_empty() {
        return Err(A2AError::invalid_params("message.messageId is required"));
    }
    if message.parts.is_empty() {
        return Err(A2AError::invalid_params("message.parts must hold at least one part"));
    }
    if message.parts.len() > limits.parts {
        return Err(over("message.parts", limits.parts, "parts"));
    }
    check_id("message.messageId", &message.message_id, limits)?;
    for (name, id) in [("message.contextId", &message.context_id), ("message.taskId", &message.task_id)] {
        if let Some(id) = id {
            check_id(name, id, limits)?;
        }
    }
    for id in message.reference_task_ids.iter().flatten() {
        check_id("message.referenceTaskIds", id, limits)?;
    }
    if weight::of_message(message) > limits.message_bytes {
        return Err(over("message", limits.message_bytes, "bytes"));
    }
    if depth_of_message(message) > limits.depth {
        return Err(over("message", limits.depth, "levels of nesting"));
    }
    Ok(())
}

/// Checks an id's length.
pub(crate) fn check_id(name: &str, id: &str, limits: &Limits) -> Result<(), A2AError> {
    if id.len() > limits.id_bytes { Err(over(name, limits.id_bytes, "bytes")) } else { Ok(()) }
}

/// Checks the nesting of metadata.
pub(crate) fn check_metadata(
    metadata: Option<&HashMap<String, Value>>,
    limits: &Limits,
) -> Result<(), A2AError> {
    if depth_of_map(metadata) > limits.depth {
        return Err(over("metadata", limits.depth, "levels of nesting"));
    }
    Ok(())
}

fn over(name: &str, limit: usize, unit: &str) -> A2AError {
    A2AError::invalid_params(format!("{name} is over the limit of {limit} {unit}"))
}

/// How many levels of nesting an event's data and metadata have.
pub(crate) fn depth_of_event(event: &StreamResponse) -> usize {
    match event {
        StreamResponse::Task(task) => depth_of_task(task),
        StreamResponse::Message(message) => depth_of_message(message),
        StreamResponse::StatusUpdate(update) => {
            let message = update.status.message.as_ref().map_or(0, depth_of_message);
            message.max(depth_of_map(update.metadata.as_ref()))
        }
        StreamResponse::ArtifactUpdate(update) => {
            depth_of_artifact(&update.artifact).max(depth_of_map(update.metadata.as_ref()))
        }
    }
}

fn depth_of_task(task: &Task) -> usize {
    let messages = task.history.iter().flatten().chain(&task.status.message).map(depth_of_message);
    let artifacts = task.artifacts.iter().flatten().map(depth_of_artifact);
    messages.chain(artifacts).max().unwrap_or(0).max(depth_of_map(task.metadata.as_ref()))
}

fn depth_of_artifact(artifact: &Artifact) -> usize {
    depth_of_parts(&artifact.parts).max(depth_of_map(artifact.metadata.as_ref()))
}

fn depth_of_message(message: &Message) -> usize {
    depth_of_parts(&message.parts).max(depth_of_map(message.metadata.as_ref()))
}

fn depth_of_parts(parts: &[Part]) -> usize {
    let content = |part: &Part| match &part.content {
        PartContent::Data(value) => depth_of_value(value),
        PartContent::Text(_) | PartContent::Raw(_) | PartContent::Url(_) => 0,
    };
    parts.iter().map(|part| content(part).max(depth_of_map(part.metadata.as_ref()))).max().unwrap_or(0)
}

fn depth_of_map(map: Option<&HashMap<String, Value>>) -> usize {
    map.map_or(0, |map| 1 + map.values().map(depth_of_value).max().unwrap_or(0))
}

/// Recursion is safe here: no JSON that was parsed nests deeper than the parser's own limit of 128.
fn depth_of_value(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth_of_value).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth_of_value).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use a2a::Role;
    use serde_json::json;

    use super::*;

    fn message(parts: Vec<Part>) -> Message {
        Message { message_id: "m".into(), ..Message::new(Role::User, parts) }
    }

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!(1), |value, _| json!([value]))
    }

    fn refusal(message: &Message) -> Option<String> {
        check_message(message, &Limits::default()).err().map(|error| {
            assert_eq!(error.code, a2a::error_code::INVALID_PARAMS);
            error.message
        })
    }

    #[test]
    fn a_plain_message_passes() {
        assert_eq!(refusal(&message(vec![Part::text("hello")])), None);
        assert_eq!(refusal(&message(vec![Part::data(nested(24))])), None);
    }

    #[test]
    fn what_is_missing_or_too_much_is_named() {
        let nameless = Message { message_id: String::new(), ..message(vec![Part::text("x")]) };
        assert!(refusal(&nameless).unwrap().contains("messageId"));
        assert!(refusal(&message(vec![])).unwrap().contains("parts"));
        assert!(refusal(&message(vec![Part::text(""); 1001])).unwrap().contains("1000 parts"));
        assert!(refusal(&message(vec![Part::data(nested(25))])).unwrap().contains("24 levels"));
        assert!(refusal(&message(vec![Part::text("x".repeat(9 << 20))])).unwrap().contains("bytes"));
        let long = Message { context_id: Some("c".repeat(257)), ..message(vec![Part::text("x")]) };
        assert!(refusal(&long).unwrap().contains("contextId"));
    }

    #[test]
    fn depth_counts_data_and_metadata_everywhere() {
        let mut part = Part::text("x");
        part.metadata = Some(HashMap::from([("a".into(), nested(2))]));
        assert_eq!(depth_of_message(&message(vec![part])), 3);
        assert_eq!(depth_of_message(&message(vec![Part::data(json!({"a": [{}]}))])), 3);
    }
}
