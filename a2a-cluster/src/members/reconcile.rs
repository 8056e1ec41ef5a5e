//! Comparing what the store says that this instance runs with what it does run.
//!
//! They differ where a claim was applied although nobody was told so: its answer was lost for longer than the
//! caller waited. Such a task has a live executor that knows nothing of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a_core::{MemberState, TaskKey};

use super::Members;
use super::index;
use super::take_over::{Gone, Taken, take_all_over};
use crate::ground::{Chain, warn_of};

/// Looks once per lease time until the instance stops. A task that was found twice without a run, a lease
/// apart, is taken over like one of a dead instance.
pub(crate) async fn reconcile(members: Arc<Members>) {
    let mut before = BTreeSet::new();
    loop {
        tokio::select! {
            biased;
            () = members.ground.stop.stopping.cancelled() => return,
            () = tokio::time::sleep(members.ground.config.lease) => {}
        }
        // A claim whose outcome is unknown may be missing from the index, which lags.
        let uncertain = members.ground.unattended.take();
        let recorded = match index::executing(&members, &members.ground.id).await {
            Ok(recorded) => recorded,
            Err(error) => {
                tracing::debug!(error = %Chain(&error), "this instance's recorded tasks cannot be read");
                uncertain.iter().for_each(|key| members.ground.unattended.note(key));
                continue;
            }
        };
        // Looked at twice, as everything.
        uncertain
            .iter()
            .filter(|key| !before.contains(*key))
            .for_each(|key| members.ground.unattended.note(key));
        let recorded = recorded.into_iter().chain(uncertain);
        let idle: BTreeSet<TaskKey> = recorded.filter(|key| !is_attended(&members, key)).collect();
        let twice = idle.intersection(&before).filter(|key| !is_attended(&members, key)).cloned().collect();
        adopt(&members, twice).await;
        before = idle;
    }
}

/// Whether somebody here works on a task. One whose turn is over is recorded for as long as its dispatcher delivers;
/// that is no mistake.
fn is_attended(members: &Members, key: &TaskKey) -> bool {
    members.actors.has_task(key) || members.dispatchers.attends_to(key)
}

async fn adopt(members: &Arc<Members>, tasks: Vec<TaskKey>) {
    let me = Gone { id: members.ground.id, state: MemberState::Evicted };
    for (key, taken) in take_all_over(members, tasks, me).await {
        match taken {
            Ok(Taken::Here) => tracing::warn!(task = %key, "a task was recorded as run here, but was not"),
            // One for which there is no room is found again.
            Ok(Taken::Not | Taken::Full) => {}
            Err(error) => {
                warn_of!(error, task = %key, error = %Chain(&error), "a task that nobody works on stays so");
            }
        }
    }
}
