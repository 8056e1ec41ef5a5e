//! The pure reducer: what a task becomes when an event happens to it.
//!
//! Everybody uses this one: the executor before it commits, a store that folds its log, a test that checks.
//! [`admit`] turns what an agent says into events fit for a log; [`apply`] folds those events.

mod admit;
mod artifacts;
mod normal;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use a2a::{Message, StreamResponse, Task, TaskState, TaskStatus};
use serde_json::Value;

pub use admit::{Refusal, admit, next_timestamp, status, user_message};

/// Applies one logged event to a task.
///
/// - A status replaces the status; the replaced status' message moves into the history, unless it is the
///   newest one there already or the new status says it again; the event's metadata merges into the task's.
/// - An artifact is replaced, or extended where the event appends.
/// - A message joins the history.
/// - A whole task replaces the task.
///
/// A task in a terminal state changes no more, whatever happens.
pub fn apply(task: &mut Task, event: &StreamResponse) {
    if task.status.state.is_terminal() {
        return;
    }
    match event {
        StreamResponse::Task(whole) => task.clone_from(whole),
        StreamResponse::Message(message) => remember(task, message.clone()),
        StreamResponse::StatusUpdate(update) => {
            replace_status(task, update.status.clone());
            merge_metadata(&mut task.metadata, update.metadata.as_ref());
        }
        StreamResponse::ArtifactUpdate(update) => artifacts::apply(task, update),
    }
}

/// Returns the state that an event sets, if it sets one.
pub fn state_of(event: &StreamResponse) -> Option<&TaskState> {
    match event {
        StreamResponse::Task(task) => Some(&task.status.state),
        StreamResponse::StatusUpdate(update) => Some(&update.status.state),
        StreamResponse::ArtifactUpdate(_) | StreamResponse::Message(_) => None,
    }
}

/// Tells whether a task in this state waits for its caller (specification, section 4.1.3).
pub fn is_interrupted(state: &TaskState) -> bool {
    matches!(state, TaskState::InputRequired | TaskState::AuthRequired)
}

/// Tells whether a turn ends in this state: terminal or interrupted.
pub fn ends_turn(state: &TaskState) -> bool {
    state.is_terminal() || is_interrupted(state)
}

/// Tells whether streams show an event. Messages of the log are history, which streams do not repeat.
pub fn is_streamed(event: &StreamResponse) -> bool {
    !matches!(event, StreamResponse::Message(_))
}

fn replace_status(task: &mut Task, status: TaskStatus) {
    let replaced = std::mem::replace(&mut task.status, status);
    let Some(message) = replaced.message else { return };
    // An agent that shows its whole task puts its last words in both places, and says them again.
    let newest = task.history.as_deref().and_then(<[Message]>::last);
    if task.status.message.as_ref() != Some(&message) && newest != Some(&message) {
        remember(task, message);
    }
}

fn remember(task: &mut Task, message: Message) {
    task.history.get_or_insert_default().push(message);
}

fn merge_metadata(into: &mut Option<HashMap<String, Value>>, from: Option<&HashMap<String, Value>>) {
    if let Some(from) = from {
        into.get_or_insert_default().extend(from.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

fn has_metadata(task: &Task, metadata: &HashMap<String, Value>) -> bool {
    let known = |key| task.metadata.as_ref().and_then(|known| known.get(key));
    metadata.iter().all(|(key, value)| known(key) == Some(value))
}
