//! In which form a webhook is told: event by event, or, where that does not get on, the task as it is, in fewer and fewer
//! words.

use a2a::{StreamResponse, TaskStatus, TaskStatusUpdateEvent};
use a2a_core::{Generation, StoredTask};

use super::notification::{Cursor, Notification};

/// What a webhook is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Event by event.
    Events,
    /// The task as it is.
    Task,
    /// Its status.
    Status,
    /// Its state alone.
    State,
}

impl Form {
    /// What is told of the task in an event's place, in a word.
    pub(super) fn in_place(self) -> Option<&'static str> {
        match self {
            Form::Events | Form::Task => None,
            Form::Status => Some("status"),
            Form::State => Some("state"),
        }
    }

    /// Tells a task in this form.
    pub(super) fn of(self, stored: &StoredTask) -> Notification {
        let task = &stored.task;
        let status = |status| {
            StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
                task_id: task.id.clone(),
                context_id: task.context_id.clone(),
                status,
                metadata: None,
            })
        };
        let (event, first) = match self {
            // It tells all that happened.
            Form::Events | Form::Task => (StreamResponse::Task(task.clone()), Generation::new(1)),
            Form::Status => (status(task.status.clone()), stored.generation),
            Form::State => (status(TaskStatus { message: None, ..task.status.clone() }), stored.generation),
        };
        Notification {
            event,
            first,
            last: stored.generation,
            then: Cursor::after(stored.version),
            in_place: self.in_place(),
        }
    }
}
