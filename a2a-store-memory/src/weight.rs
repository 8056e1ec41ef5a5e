//! About how many bytes of content a commit holds, without encoding it.

use std::collections::HashMap;

use a2a::{Artifact, Message, Part, PartContent, StreamResponse};
use a2a_core::CommitRecord;
use serde_json::Value;

/// What an event costs beside its text: ids, enum tags, vectors.
const OVERHEAD: usize = 256;

/// Weighs a commit.
pub(crate) fn of(record: &CommitRecord) -> usize {
    OVERHEAD + record.events.iter().map(event).sum::<usize>()
}

fn event(event: &StreamResponse) -> usize {
    let content = match event {
        StreamResponse::Task(task) => {
            task.status.message.as_ref().map_or(0, message)
                + task.history.iter().flatten().map(message).sum::<usize>()
                + task.artifacts.iter().flatten().map(artifact).sum::<usize>()
                + metadata(task.metadata.as_ref())
        }
        StreamResponse::Message(said) => message(said),
        StreamResponse::StatusUpdate(update) => {
            update.status.message.as_ref().map_or(0, message) + metadata(update.metadata.as_ref())
        }
        StreamResponse::ArtifactUpdate(update) => {
            artifact(&update.artifact) + metadata(update.metadata.as_ref())
        }
    };
    OVERHEAD + content
}

fn message(message: &Message) -> usize {
    OVERHEAD + message.parts.iter().map(part).sum::<usize>() + metadata(message.metadata.as_ref())
}

fn artifact(artifact: &Artifact) -> usize {
    let texts = [&artifact.name, &artifact.description];
    texts.into_iter().flatten().map(String::len).sum::<usize>()
        + artifact.parts.iter().map(part).sum::<usize>()
        + metadata(artifact.metadata.as_ref())
}

fn part(part: &Part) -> usize {
    let content = match &part.content {
        PartContent::Text(text) | PartContent::Url(text) => text.len(),
        PartContent::Raw(bytes) => bytes.len(),
        PartContent::Data(data) => value(data),
    };
    size_of::<Part>() + content + metadata(part.metadata.as_ref())
}

fn metadata(metadata: Option<&HashMap<String, Value>>) -> usize {
    metadata.into_iter().flatten().map(|(key, data)| key.len() + value(data)).sum()
}

fn value(data: &Value) -> usize {
    let content = match data {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(value).sum(),
        Value::Object(fields) => fields.iter().map(|(key, data)| key.len() + value(data)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + content
}

#[cfg(test)]
mod tests {
    use a2a::TaskState;
    use a2a_core::{CommitId, Generation, Version};
    use a2a_testkit::sample::{at, chunk, commit_id, message, status_saying, task};
    use serde_json::json;

    use super::*;

    const SIZE: usize = 10_000;

    fn weigh(event: StreamResponse) -> usize {
        let id: CommitId = commit_id();
        of(&CommitRecord {
            version: Version::new(1),
            generation: Generation::new(1),
            id,
            events: vec![event],
        })
    }

    #[test]
    fn content_counts_wherever_it_is() {
        let text = "x".repeat(SIZE);
        let mut tagged = Part::text("");
        tagged.metadata = Some([("k".to_owned(), json!([text]))].into());
        let parts = [
            Part::text(text.clone()),
            Part::raw(vec![0; SIZE]),
            Part::data(json!({ "a": [{ "b": text }] })),
            Part::data(json!({ text: null })),
            tagged,
        ];
        let owner = task("t", "c", TaskState::Working, at(0));
        for part in parts {
            let parts = vec![part];
            let mut whole = owner.clone();
            for event in [
                chunk(&owner, "a", parts.clone(), false),
                message(&owner, "m", parts.clone()),
                status_saying(&owner, TaskState::Working, at(1), "s", parts),
            ] {
                a2a_core::reduce::apply(&mut whole, &event);
                let weight = weigh(event);
                assert!((SIZE..SIZE + 2_000).contains(&weight), "{weight}");
            }
            let weight = weigh(StreamResponse::Task(whole));
            assert!((3 * SIZE..3 * SIZE + 4_000).contains(&weight), "{weight}");
        }
    }
}
