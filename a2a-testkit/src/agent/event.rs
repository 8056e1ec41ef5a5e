//! From what an agent says to events of one task.

use a2a::{
    A2AError, Artifact, Message, Part, Role, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState,
    TaskStatus, TaskStatusUpdateEvent,
};

use super::play::Said;

/// The id of the one artifact to which agents add.
pub const ARTIFACT_ID: &str = "out";

/// The task of which an agent speaks that is told to stray.
pub const STRAY: &str = "another";

/// Makes events of one task.
#[derive(Debug, Clone)]
pub struct Speaker {
    task: String,
    context: String,
}

impl Speaker {
    /// Speaks of this task.
    pub fn new(task: impl Into<String>, context: impl Into<String>) -> Self {
        Speaker { task: task.into(), context: context.into() }
    }

    /// The event in which an agent says this.
    ///
    /// # Errors
    ///
    /// The one that the agent says.
    pub fn event(&self, said: Said) -> Result<StreamResponse, A2AError> {
        Ok(match said {
            Said::State(state) => self.status(state),
            Said::Chunk { part, first, last } => StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
                task_id: self.task.clone(),
                context_id: self.context.clone(),
                artifact: artifact(vec![part]),
                append: (!first).then_some(true),
                last_chunk: last.then_some(true),
                metadata: None,
            }),
            Said::Task(parts) => StreamResponse::Task(Task {
                id: self.task.clone(),
                context_id: self.context.clone(),
                status: status(TaskState::Working),
                artifacts: Some(vec![artifact(parts)]),
                history: None,
                metadata: None,
            }),
            Said::Message(part) => {
                let context_id = Some(self.context.clone());
                StreamResponse::Message(Message { context_id, ..Message::new(Role::Agent, vec![part]) })
            }
            Said::Stray => Speaker::new(STRAY, &self.context).status(TaskState::Working),
            Said::Refusal => return Err(A2AError::task_not_cancelable(&self.task)),
            Said::Error(error) => return Err(error),
        })
    }

    /// Shows a state.
    pub fn status(&self, state: TaskState) -> StreamResponse {
        StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: self.task.clone(),
            context_id: self.context.clone(),
            status: status(state),
            metadata: None,
        })
    }
}

fn status(state: TaskState) -> TaskStatus {
    TaskStatus { state, message: None, timestamp: None }
}

fn artifact(parts: Vec<Part>) -> Artifact {
    Artifact {
        artifact_id: ARTIFACT_ID.into(),
        name: None,
        description: None,
        parts,
        metadata: None,
        extensions: None,
    }
}
