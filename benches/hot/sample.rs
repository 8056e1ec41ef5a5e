//! A task and what happens to it.

use a2a::{Artifact, Part, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState, TaskStatus};
use a2a_core::{TaskKey, Tenant};

/// The text of a chunk: 120 bytes.
pub(crate) const TEXT: &str = "A chunk of what a model says, as long as those that chat agents stream: some twenty \
                               tokens of prose in any language here.";

pub(crate) fn key(id: &str) -> TaskKey {
    TaskKey::new(Tenant::default(), id)
}

pub(crate) fn task(id: &str) -> Task {
    Task {
        id: id.to_owned(),
        context_id: "context".to_owned(),
        status: at(TaskState::Working),
        artifacts: None,
        history: None,
        metadata: None,
    }
}

pub(crate) fn chunk(task: &str, context: &str, first: bool) -> StreamResponse {
    StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
        task_id: task.to_owned(),
        context_id: context.to_owned(),
        artifact: Artifact {
            artifact_id: "answer".to_owned(),
            name: None,
            description: None,
            parts: vec![Part::text(TEXT)],
            metadata: None,
            extensions: None,
        },
        append: Some(!first),
        last_chunk: None,
        metadata: None,
    })
}

fn at(state: TaskState) -> TaskStatus {
    TaskStatus { state, message: None, timestamp: None }
}
