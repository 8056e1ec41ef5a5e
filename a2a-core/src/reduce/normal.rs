//! The normal form of content in a log: what is written there reads back equal.
//!
//! JSON and protobuf do not tell every empty optional field from an absent one, so in a log there are no
//! empty ones. And JSON objects have keys that their parser keeps for itself: an entry under one reads back
//! as something else, or makes the whole log unreadable. No honest sender uses them; they are left out.

use std::collections::HashMap;

use a2a::{Artifact, Message, Part, PartContent};
use serde_json::Value;

/// How the keys begin that `serde_json` takes for its own.
const PRIVATE_KEYS: &str = "$serde_json::private::";

/// Brings a message into normal form.
pub(super) fn message(message: Message) -> Message {
    Message {
        parts: parts(message.parts),
        metadata: metadata(message.metadata),
        extensions: list(message.extensions),
        reference_task_ids: list(message.reference_task_ids),
        ..message
    }
}

/// Brings an artifact, or a chunk of one, into normal form.
pub(super) fn artifact(artifact: Artifact) -> Artifact {
    Artifact {
        artifact_id: artifact.artifact_id,
        name: text(artifact.name),
        description: text(artifact.description),
        parts: parts(artifact.parts),
        metadata: metadata(artifact.metadata),
        extensions: list(artifact.extensions),
    }
}

/// Brings metadata into normal form.
pub(super) fn metadata(metadata: Option<HashMap<String, Value>>) -> Option<HashMap<String, Value>> {
    let mut metadata = metadata?;
    metadata.retain(|key, _| is_public(key));
    metadata.values_mut().for_each(strip);
    (!metadata.is_empty()).then_some(metadata)
}

fn parts(mut parts: Vec<Part>) -> Vec<Part> {
    for part in &mut parts {
        if let PartContent::Data(value) = &mut part.content {
            strip(value);
        }
        part.filename = text(part.filename.take());
        part.media_type = text(part.media_type.take());
        part.metadata = metadata(part.metadata.take());
    }
    parts
}

fn text(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn list(list: Option<Vec<String>>) -> Option<Vec<String>> {
    list.filter(|list| !list.is_empty())
}

fn is_public(key: &str) -> bool {
    !key.starts_with(PRIVATE_KEYS)
}

fn strip(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(strip),
        Value::Object(fields) => {
            fields.retain(|key, _| is_public(key));
            fields.values_mut().for_each(strip);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
