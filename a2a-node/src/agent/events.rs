//! The events that the agent can say about the one task that it works on.

use std::sync::Arc;

use a2a::{
    Artifact, Message, Part, Role, StreamResponse, TaskArtifactUpdateEvent, TaskId, TaskState, TaskStatus,
    TaskStatusUpdateEvent,
};
use a2a_core::Env;

/// One run of the agent on one task.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    task_id: TaskId,
    context_id: String,
    /// Where the turn's time and ids come from.
    pub(crate) env: Arc<dyn Env>,
}

/// The part that an artifact update plays in its artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// All of it.
    Whole,
    /// One of several updates: the first creates the artifact, the others append, the last one says so.
    Of { first: bool, last: bool },
}

impl Turn {
    /// Begins a turn on a task.
    pub(crate) fn new(task_id: TaskId, context_id: String, env: Arc<dyn Env>) -> Self {
        Self { task_id, context_id, env }
    }

    /// Says that the task is now in `state`, with a text for people unless it is empty.
    pub(crate) fn status(&self, state: TaskState, text: &str) -> StreamResponse {
        let message = (!text.is_empty()).then(|| self.say(text));
        StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: self.task_id.clone(),
            context_id: self.context_id.clone(),
            status: TaskStatus { state, message, timestamp: None },
            metadata: None,
        })
    }

    /// Says that a text belongs to an artifact.
    pub(crate) fn artifact(&self, artifact_id: &str, text: String, place: Place) -> StreamResponse {
        let (first, last) = match place {
            Place::Whole => (true, true),
            Place::Of { first, last } => (first, last),
        };
        StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
            task_id: self.task_id.clone(),
            context_id: self.context_id.clone(),
            artifact: Artifact {
                artifact_id: artifact_id.to_owned(),
                name: first.then(|| artifact_id.to_owned()),
                description: None,
                parts: vec![Part::text(text)],
                metadata: None,
                extensions: None,
            },
            append: (!first).then_some(true),
            last_chunk: last.then_some(true),
            metadata: None,
        })
    }

    /// Answers with a plain message that belongs to no task.
    pub(crate) fn message(&self, text: &str) -> StreamResponse {
        StreamResponse::Message(Message { task_id: None, ..self.say(text) })
    }

    fn say(&self, text: &str) -> Message {
        Message {
            message_id: self.env.uuid().to_string(),
            context_id: Some(self.context_id.clone()),
            task_id: Some(self.task_id.clone()),
            role: Role::Agent,
            parts: vec![Part::text(text)],
            metadata: None,
            extensions: None,
            reference_task_ids: None,
        }
    }
}
