//! Cancelling a task from any instance (specification, section 3.1.5): its actor here insists, wherever it runs.

use std::sync::Arc;

use a2a::{A2AError, CancelTaskRequest, Task, TaskState};
use a2a_core::{CallerContext, CancelRequest, StoredTask, TaskKey};
use a2a_server::ServiceParams;

use super::check;
use crate::actor::core::{Input, Reply};
use crate::actor::join;
use crate::instance::Instance;
use crate::limits::check_metadata;

/// A request to cancel that is larger reaches the agent of another instance without its metadata: hints are small.
const MAX_BYTES: usize = CallerContext::MAX_BYTES;

/// Cancels a task of the caller's, and returns it cancelled.
pub(super) async fn cancel(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    req: CancelTaskRequest,
) -> Result<Task, A2AError> {
    let caller = check::caller(instance, params, req.tenant.as_deref())?;
    check_metadata(req.metadata.as_ref(), &instance.config.limits)?;
    let head = check::own_task(instance, &caller, &req.id).await?;
    if head.state.is_terminal() && head.state != TaskState::Canceled {
        return Err(A2AError::task_not_cancelable(&req.id));
    }
    let key = caller.key(&req.id);
    // Joined like a stream, so that the end is seen when it comes.
    let joined = join(instance, &key).await?;
    let (_reader, stored) = joined.ok_or_else(|| A2AError::task_not_found(&req.id))?;
    if stored.task.status.state.is_terminal() {
        return outcome(stored.task);
    }
    let request = request(req);
    let asked = instance.ask_actor(&key, None, |ticket| Input::Cancel { ticket, request });
    match asked.reply().await {
        Reply::NotCancelable => Err(A2AError::task_not_cancelable(&key.task_id)),
        Reply::Unknown => Err(instance.unknown_end(&key)),
        Reply::Over => outcome(load(instance, &key).await?.task),
        _ => Err(instance.stop_reason()),
    }
}

/// What the agent may know of the request.
fn request(req: CancelTaskRequest) -> CancelRequest {
    let metadata = req.metadata.filter(|metadata| {
        !metadata.is_empty() && serde_json::to_vec(metadata).is_ok_and(|json| json.len() <= MAX_BYTES)
    });
    CancelRequest { metadata, caller: CallerContext::default() }
}

async fn load(instance: &Instance, key: &TaskKey) -> Result<StoredTask, A2AError> {
    let loaded = instance.retry_for_request().run(|| instance.tasks.load(key)).await;
    loaded.map_err(|error| instance.error(error))?.ok_or_else(|| A2AError::task_not_found(&key.task_id))
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
