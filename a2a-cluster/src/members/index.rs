//! Reading the index of an executor's tasks, page by page to its end.

use a2a_core::{InstanceId, Result, TaskKey};
use tokio_util::sync::CancellationToken;

use crate::instance::Instance;
use crate::retry::{Retry, bounded};

/// Reads all tasks whose heads name an executor, as far as the index knows. It lags: it may lack the latest, and list
/// some that are over.
pub(super) async fn executing(instance: &Instance, who: &InstanceId) -> Result<Vec<TaskKey>> {
    executing_until(instance, who, &instance.closing).await
}

/// As [`executing`], tried until the token is cancelled.
pub(super) async fn executing_until(
    instance: &Instance,
    who: &InstanceId,
    stop: &CancellationToken,
) -> Result<Vec<TaskKey>> {
    let mut tasks = Vec::new();
    let mut after = None;
    loop {
        let read = || instance.members.executing(who, after.as_ref());
        let retry = Retry::new(instance, stop, Some(instance.config.request_patience));
        let page = retry.run(|| bounded(instance.config.lease, read())).await?;
        tasks.extend(page.tasks);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(tasks),
        }
    }
}
