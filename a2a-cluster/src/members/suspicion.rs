//! Taking over single tasks: of those who are recovered, of those who hand them over, and of executors that have been
//! silent.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use a2a_core::{InstanceId, MemberState, Result, StoredTask, TaskKey, reduce};
use tokio::sync::Semaphore;

use super::Members;
use super::take_over::{Gone, take_over};
use crate::ground::{Chain, bounded};

/// How many tasks are taken over at once.
pub(super) const AT_ONCE: usize = 16;

/// What is being looked into now, so that nothing is twice at once.
#[derive(Debug)]
pub(crate) struct Suspects {
    instances: Set<InstanceId>,
    tasks: Set<TaskKey>,
    /// One permit for each task that is being taken over.
    pub(super) at_once: Semaphore,
}

type Set<T> = Arc<Mutex<BTreeSet<T>>>;

impl Default for Suspects {
    fn default() -> Self {
        Suspects { instances: Set::default(), tasks: Set::default(), at_once: Semaphore::new(AT_ONCE) }
    }
}

impl Suspects {
    /// Notes that a member is being recovered, for as long as the guard lives. `None`: it is already.
    pub(super) fn recovers(&self, dead: InstanceId) -> Option<Guard<InstanceId>> {
        Guard::of(&self.instances, dead)
    }
}

/// Something that is being looked into.
#[derive(Debug)]
pub(super) struct Guard<T: Ord> {
    set: Set<T>,
    item: T,
}

impl<T: Ord + Clone> Guard<T> {
    fn of(set: &Set<T>, item: T) -> Option<Self> {
        let is_new = set.lock().unwrap_or_else(PoisonError::into_inner).insert(item.clone());
        is_new.then(|| Guard { set: Arc::clone(set), item })
    }
}

impl<T: Ord> Drop for Guard<T> {
    fn drop(&mut self) {
        self.set.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.item);
    }
}

/// Looks into a task whose executor has been silent, or says that it leaves: where that is no live member, takes the
/// task over. Costs a read of the executor's record where that lives.
pub(crate) fn suspect(members: &Arc<Members>, key: &TaskKey, executor: InstanceId) {
    if executor == members.ground.id {
        return;
    }
    let Some(guard) = Guard::of(&members.suspects.tasks, key.clone()) else { return };
    let members = Arc::clone(members);
    members.ground.tracker.clone().spawn(async move {
        let looked: Result<()> = async {
            let record = bounded(members.ground.config.lease, members.ground.members.member(&executor)).await?;
            // A record stays for long after the last task: an executor without one has been dead for longer.
            let state = record.map_or(MemberState::Evicted, |record| record.state);
            if state.is_final() {
                take_over(&members, &guard.item, Gone { id: executor, state }).await?;
            }
            Ok(())
        }
        .await;
        if let Err(error) = looked {
            tracing::debug!(task = %guard.item, error = %Chain(&error), "a silent executor is not looked into yet");
        }
    });
}

/// Looks into a task of another instance that has not moved for long. The clocks of two machines are compared
/// here, but only to decide whether to look.
pub(crate) fn suspect_if_old(members: &Arc<Members>, key: &TaskKey, stored: &StoredTask) {
    let status = &stored.task.status;
    let age =
        status.timestamp.and_then(|at| (members.ground.env.now() - at).to_std().ok()).unwrap_or_default();
    if let Some(claim) = stored.head.claim
        && !reduce::ends_turn(&status.state)
        && age > members.ground.config.lease * 2
    {
        suspect(members, key, claim.instance);
    }
}
