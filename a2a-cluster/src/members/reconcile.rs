//! Comparing what the store says that this instance runs with what it does run.
//!
//! They differ where a claim was applied although nobody was told so: its answer was lost for longer than the
//! caller waited. Such a task has a live executor that knows nothing of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a_core::TaskKey;

use super::index;
use super::recover::take_over;
use crate::error::Chain;
use crate::instance::Instance;

/// Looks once per lease time until the instance closes. A task that was found twice without a run, a lease
/// apart, is taken over like one of a dead instance.
pub(crate) async fn reconcile(instance: Arc<Instance>) {
    let mut before = BTreeSet::new();
    loop {
        tokio::select! {
            biased;
            () = instance.stopping.cancelled() => return,
            () = tokio::time::sleep(instance.config.lease) => {}
        }
        let recorded = match index::executing(&instance, &instance.id).await {
            Ok(recorded) => recorded,
            Err(error) => {
                tracing::debug!(error = %Chain(&error), "this instance's recorded tasks cannot be read");
                continue;
            }
        };
        let idle: BTreeSet<TaskKey> =
            recorded.into_iter().filter(|key| instance.runs.get(key).is_none()).collect();
        for key in idle.intersection(&before) {
            if let Err(error) = adopt(&instance, key).await {
                tracing::warn!(task = %key, error = %Chain(&error), "a task that nobody works on stays so");
            }
        }
        before = idle;
    }
}

async fn adopt(instance: &Arc<Instance>, key: &TaskKey) -> a2a_core::Result<()> {
    // A task whose turn is over is recorded for as long as its courier delivers; that is no mistake.
    if instance.runs.get(key).is_some() || instance.couriers.attends_to(key) {
        return Ok(());
    }
    tracing::warn!(task = %key, "a task is recorded as run here, but is not");
    take_over(instance, key, instance.id).await
}
