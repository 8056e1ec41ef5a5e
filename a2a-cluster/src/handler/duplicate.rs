//! Repeated sends: a message that a client sends again, because it saw no answer, makes no second task
//! (specification, section 3.3.1).

use std::sync::Arc;
use std::time::Duration;

use a2a::{A2AError, Message};
use a2a_core::{StoredTask, TaskKey, reduce};
use tokio::time::Instant;

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
    let window = instance.config.repeat_window;
    if window.is_zero() {
        return Ok(Claim::Ours);
    }
    let name = fingerprint::of(message);
    let principal = caller.principal.as_ref();
    let call = || instance.tasks.claim_message(&caller.tenant, principal, &name, task_id, window);
    let holder = instance.retry_for_request().run(call).await.map_err(|error| instance.error(error))?;
    if holder == *task_id {
        return Ok(Claim::Ours);
    }
    let key = caller.key(&holder);
    if exists_soon(instance, &key).await? {
        return Ok(Claim::Theirs(key));
    }
    *task_id = holder;
    Ok(Claim::Ours)
}

/// Tells whether a task has taken this very message already.
pub(super) fn has_taken(stored: &StoredTask, message: &Message) -> bool {
    // As it would stand in the history.
    let message = reduce::user_message(&stored.task, message.clone());
    stored.task.history.iter().flatten().any(|known| *known == message)
}

/// Waits for a task that another request is about to create.
async fn exists_soon(instance: &Arc<Instance>, key: &TaskKey) -> Result<bool, A2AError> {
    let config = &instance.config;
    let deadline = Instant::now() + config.creation_delay * 4 + Duration::from_millis(500);
    loop {
        let head = instance.retry_for_request().run(|| instance.tasks.head(key)).await;
        if head.map_err(|error| instance.error(error))?.is_some() {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        tokio::time::sleep(config.creation_delay).await;
    }
}
