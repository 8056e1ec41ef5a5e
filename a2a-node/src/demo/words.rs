//! Events and tasks in the few words that a line of the timeline has room for.

use a2a::{Artifact, Part, StreamResponse, Task, TaskState};
use chrono::{DateTime, Utc};

use crate::agent::chunk::{ARTIFACT_ID, Chunk};

/// When an event happened, by its own account: a chunk to the nanosecond, a status to the millisecond.
pub(crate) fn happened(event: &StreamResponse) -> Option<DateTime<Utc>> {
    match event {
        StreamResponse::StatusUpdate(update) => update.status.timestamp,
        StreamResponse::ArtifactUpdate(update) => chunk_of(&update.artifact).map(|chunk| chunk.made),
        StreamResponse::Task(_) | StreamResponse::Message(_) => None,
    }
}

/// The chunk that an artifact update carries.
pub(crate) fn chunk_of(artifact: &Artifact) -> Option<Chunk> {
    artifact.parts.first().and_then(Part::as_text).and_then(Chunk::decode)
}

/// The numbers of the chunks that a task holds, in its order.
pub(crate) fn chunk_numbers(task: &Task) -> Vec<u32> {
    let chunks = task.artifacts.iter().flatten().filter(|artifact| artifact.artifact_id == ARTIFACT_ID);
    let texts = chunks.flat_map(|artifact| &artifact.parts).filter_map(Part::as_text);
    texts.filter_map(Chunk::decode).map(|chunk| chunk.number).collect()
}

/// Names a state the way the protocol does, without its prefix.
pub(crate) fn name_of(state: &TaskState) -> &'static str {
    match state {
        TaskState::Unspecified => "UNSPECIFIED",
        TaskState::Submitted => "SUBMITTED",
        TaskState::Working => "WORKING",
        TaskState::Completed => "COMPLETED",
        TaskState::Failed => "FAILED",
        TaskState::Canceled => "CANCELED",
        TaskState::InputRequired => "INPUT_REQUIRED",
        TaskState::Rejected => "REJECTED",
        TaskState::AuthRequired => "AUTH_REQUIRED",
    }
}

/// Sums up a task in a few words.
pub(crate) fn summary(task: &Task) -> String {
    let state = name_of(&task.status.state);
    match chunk_numbers(task).len() {
        0 => state.to_owned(),
        1 => format!("{state}, 1 chunk"),
        chunks => format!("{state}, {chunks} chunks"),
    }
}

/// Names an event and what is new in it.
pub(crate) fn describe(event: &StreamResponse) -> String {
    match event {
        StreamResponse::Task(task) => format!("Task      {}", summary(task)),
        StreamResponse::Message(_) => "Message".into(),
        StreamResponse::StatusUpdate(update) => format!("status    {}", name_of(&update.status.state)),
        StreamResponse::ArtifactUpdate(update) => match chunk_of(&update.artifact) {
            Some(chunk) => format!("artifact  chunk {:06}", chunk.number),
            None => {
                let text = update.artifact.parts.first().and_then(Part::as_text).unwrap_or_default();
                format!("artifact  {text:?}")
            }
        },
    }
}
