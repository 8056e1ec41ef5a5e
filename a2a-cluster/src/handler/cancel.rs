//! Cancelling a task from any instance (specification, section 3.1.5): its actor here insists, wherever it runs.

use std::sync::Arc;

use a2a::{A2AError, CancelTaskRequest, Task, TaskState};
use a2a_core::{CancelRequest, StoredTask, TaskKey};
use a2a_server::ServiceParams;

use super::check;
use crate::actor::core::{Input, Reply};
use crate::actor::join;
use crate::caller::TenantCaller;
use crate::instance::Instance;
use crate::limits::check_metadata;

/// Cancels a task of the caller's, and returns it cancelled.
pub(super) async fn cancel(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    caller: TenantCaller,
    req: CancelTaskRequest,
) -> Result<Task, A2AError> {
    check_metadata(req.metadata.as_ref(), &instance.ground.config.limits)?;
    let head = check::own_task(instance, &caller, &req.id).await?;
    if head.state.is_terminal() && head.state != TaskState::Canceled {
        return Err(A2AError::task_not_cancelable(&req.id));
    }
    let key = caller.key(&req.id);
    // Joined like a stream, so that the end is seen when it comes.
    let joined = join(&instance.actors, &key).await?;
    let (_reader, stored) = joined.ok_or_else(|| A2AError::task_not_found(&req.id))?;
    if stored.task.status.state.is_terminal() {
        return outcome(stored.task);
    }
    let metadata = req.metadata.filter(|metadata| !metadata.is_empty());
    let known = caller.context(params, &instance.ground.config.agent_headers)?;
    let request = CancelRequest { metadata, caller: known };
    let asked = instance.actors.ask(&key, None, |ticket| Input::Cancel { ticket, request });
    match asked.reply().await {
        Reply::NotCancelable => Err(A2AError::task_not_cancelable(&key.task_id)),
        Reply::Unknown => Err(instance.ground.unknown_end(&key)),
        Reply::Over => outcome(load(instance, &key).await?.task),
        _ => Err(instance.ground.stop.reason()),
    }
}

async fn load(instance: &Instance, key: &TaskKey) -> Result<StoredTask, A2AError> {
    let loaded = instance.ground.retry_for_request().run(|| instance.ground.tasks.load(key)).await;
    loaded
        .map_err(|error| instance.ground.error(error))?
        .ok_or_else(|| A2AError::task_not_found(&key.task_id))
}

/// Cancelling a cancelled task returns it; any other terminal state cannot be cancelled
/// (specification, section 3.1.5).
fn outcome(task: Task) -> Result<Task, A2AError> {
    if task.status.state == TaskState::Canceled {
        Ok(task)
    } else {
        Err(A2AError::task_not_cancelable(&task.id))
    }
}
