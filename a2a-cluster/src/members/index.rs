//! Reading the index of an executor's tasks, page by page to its end.

use a2a_core::{InstanceId, Result, TaskKey};

use crate::instance::Instance;
use crate::retry::bounded;

/// Reads all tasks whose heads name an executor, as far as the index knows. It lags: it may lack the latest, and list
/// some that are over.
pub(super) async fn executing(instance: &Instance, who: &InstanceId) -> Result<Vec<TaskKey>> {
    let mut tasks = Vec::new();
    let mut after = None;
    loop {
        let read = || instance.members.executing(who, after.as_ref());
        let page = instance.retry_for_request().run(|| bounded(instance.config.lease, read())).await?;
        tasks.extend(page.tasks);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(tasks),
        }
    }
}
