//! Taking one task over from an executor that is gone: its actor here does, by a commit, and the version decides who of
//! several does.

use std::sync::Arc;

use a2a_core::{BackendError, InstanceId, MemberState, Result, TaskKey, reduce};
use futures::stream::{self, StreamExt};
use tokio::task::unconstrained;
use tokio::time::timeout;

use super::Members;
use super::suspicion::AT_ONCE;
use crate::actor::core::{Input, Reply, TakeOverOutcome};
use crate::ground::ExecutorLost;

/// An executor that is gone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gone {
    pub(super) id: InstanceId,
    /// What its record says, or said: that it left in good order, or that it was evicted.
    pub(super) state: MemberState,
}

/// What became of an attempt to take a task over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is taken over, by this instance.
    Here,
    /// There was nothing to take over, or somebody else was faster.
    Not,
    /// As many agents run here as may: it is left to others, or to later.
    Full,
}

/// Takes tasks over, some at once, each in a task of the runtime of its own: agents that begin here may block the threads
/// on which they are polled, and nothing else is to wait for them.
pub(super) async fn take_all_over(
    members: &Arc<Members>,
    tasks: Vec<TaskKey>,
    gone: Gone,
) -> Vec<(TaskKey, Result<Taken>)> {
    let taken = stream::iter(tasks).map(async |key| {
        let (owner, own_key) = (Arc::clone(members), key.clone());
        let taken = members.ground.tracker.spawn(async move { take_over(&owner, &own_key, gone).await });
        (key, taken.await.unwrap_or_else(|error| Err(BackendError::Unavailable(error.into()))))
    });
    unconstrained(taken.buffer_unordered(AT_ONCE).collect()).await
}

/// Takes one task over. Somebody else may be faster; then nothing happens. Only so many are taken over at once, and
/// each has a bound in time: one that cannot be read harms itself only.
pub(super) async fn take_over(members: &Arc<Members>, key: &TaskKey, gone: Gone) -> Result<Taken> {
    if members.ground.stop.closing.is_cancelled() {
        return Ok(Taken::Not);
    }
    if members.ground.stop.draining.is_cancelled()
        && members.ground.config.executor_lost != ExecutorLost::Fail
    {
        // It takes no new work, and this may be some: whoever stays finds the task by its executor's record.
        return Ok(Taken::Not);
    }
    let _permit = members.suspects.at_once.acquire().await;
    match timeout(members.ground.config.lease, taken_over(members, key, gone)).await {
        Ok(taken) => taken,
        Err(elapsed) => {
            // A claim may have been made, or may still be.
            members.ground.unattended.note(key);
            Err(BackendError::Unavailable(elapsed.into()))
        }
    }
}

async fn taken_over(members: &Arc<Members>, key: &TaskKey, gone: Gone) -> Result<Taken> {
    // Most tasks of a large instance are another survivor's by now: the head tells, and costs less than the task.
    let head = members.ground.retry_for_request().run(|| members.ground.tasks.head(key)).await?;
    let head = head.filter(|head| head.claim.is_some_and(|claim| claim.instance == gone.id));
    let Some(head) = head else { return Ok(Taken::Not) };
    let resumes =
        members.ground.config.executor_lost != ExecutorLost::Fail && !reduce::ends_turn(&head.state);
    let room = resumes.then(|| members.actors.resume());
    if let Some(None) = room {
        return Ok(Taken::Full);
    }
    let asked = members.actors.ask(key, None, |ticket| Input::TakeOver {
        ticket: Some(ticket),
        from: Some(gone.id),
        // Who hands a task over in good order did not lose its agent.
        handed_over: gone.state == MemberState::Left,
    });
    match asked.reply().await {
        Reply::TakeOver(
            TakeOverOutcome::Failed
            | TakeOverOutcome::Resumed
            | TakeOverOutcome::Ended
            | TakeOverOutcome::Delivering,
        ) => Ok(Taken::Here),
        Reply::TakeOver(TakeOverOutcome::NotTheirs) => Ok(Taken::Not),
        _ => Err(BackendError::Unavailable("the task cannot be read or written now".into())),
    }
}
