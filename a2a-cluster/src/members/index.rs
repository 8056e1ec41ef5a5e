//! Reading the index of an executor's tasks, page by page to its end.

use super::Members;
use crate::ground::{Retry, bounded};

use a2a_core::{InstanceId, Result, TaskKey};
use tokio_util::sync::CancellationToken;

/// Reads all tasks whose heads name an executor, as far as the index knows. It lags: it may lack the latest, and list
/// some that are over.
pub(super) async fn executing(members: &Members, who: &InstanceId) -> Result<Vec<TaskKey>> {
    executing_until(members, who, &members.ground.stop.closing).await
}

/// As [`executing`], tried until the token is cancelled.
pub(super) async fn executing_until(
    members: &Members,
    who: &InstanceId,
    stop: &CancellationToken,
) -> Result<Vec<TaskKey>> {
    let mut tasks = Vec::new();
    let mut after = None;
    loop {
        let read = || members.ground.members.executing(who, after.as_ref());
        let retry = Retry::new(&members.ground, stop, Some(members.ground.config.request_patience));
        let page = retry.run(|| bounded(members.ground.config.lease, read())).await?;
        tasks.extend(page.tasks);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(tasks),
        }
    }
}
