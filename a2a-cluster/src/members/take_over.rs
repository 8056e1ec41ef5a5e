//! Taking one task over from an executor that is gone, by commit: the version decides who does.

use std::sync::Arc;

use a2a::{Message, Role, Task};
use a2a_core::{
    BackendError, Claim, ClaimChange, Commit, CommitId, InstanceId, MemberState, Outcome, Result, StoredTask,
    TaskKey, reduce,
};
use a2a_server::ExecutorContext;
use tokio::time::timeout;

use crate::config::ExecutorLost;
use crate::instance::Instance;
use crate::run::{self, AnswerAt, Assignment, Voice};
use crate::telemetry::TakeOver;
use crate::{announce, webhook};

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
}

/// Takes one task over. Somebody else may be faster; then nothing happens. Only so many are taken over at once, and
/// each has a bound in time: one that cannot be read harms itself only.
pub(super) async fn take_over(instance: &Arc<Instance>, key: &TaskKey, gone: Gone) -> Result<Taken> {
    let _permit = instance.suspects.at_once.acquire().await;
    match timeout(instance.config.lease, taken_over(instance, key, gone)).await {
        Ok(taken) => taken,
        Err(elapsed) => {
            // A claim may have been made, or may still be.
            instance.leave_unattended(key);
            Err(BackendError::Unavailable(elapsed.into()))
        }
    }
}

async fn taken_over(instance: &Arc<Instance>, key: &TaskKey, gone: Gone) -> Result<Taken> {
    let is_theirs = |claim: &Claim| claim.instance == gone.id;
    // Most tasks of a large instance are another survivor's by now: the head tells, and costs less than the task.
    let head = instance.retry_for_request().run(|| instance.tasks.head(key)).await?;
    if head.and_then(|head| head.claim).filter(is_theirs).is_none() {
        return Ok(Taken::Not);
    }
    let stored = instance.retry_for_request().run(|| instance.tasks.load(key)).await?;
    let Some((stored, claim)) = stored.and_then(|stored| stored.head.claim.map(|claim| (stored, claim)))
    else {
        return Ok(Taken::Not);
    };
    if !is_theirs(&claim) {
        return Ok(Taken::Not);
    }
    if reduce::ends_turn(&stored.task.status.state) {
        return if webhook::inherit(instance, key, &stored).await? {
            Ok(Taken::Here)
        } else {
            end_claim(instance, key, stored).await
        };
    }
    // Who hands a task over in good order did not lose its agent.
    let attempt =
        if gone.state == MemberState::Left { claim.attempt } else { claim.attempt.saturating_add(1) };
    match instance.config.executor_lost {
        ExecutorLost::Resume { max_attempts } if attempt <= max_attempts => {
            resume(instance, key, stored, attempt).await
        }
        ExecutorLost::Resume { max_attempts } if max_attempts > 1 => {
            fail(instance, key, stored, "the agent was lost with its server each time it was started").await
        }
        ExecutorLost::Fail | ExecutorLost::Resume { .. } => {
            fail(instance, key, stored, "the server that ran the agent was lost").await
        }
    }
}

/// Ends the claim of a parked task, which needs no executor. By a commit, so that a claim made since stays.
async fn end_claim(instance: &Arc<Instance>, key: &TaskKey, stored: StoredTask) -> Result<Taken> {
    let commit = Commit::new(stored.tip(), CommitId::generate(&*instance.env), vec![], &stored.task)
        .claim(ClaimChange::End);
    let outcome = instance.retry_for_request().run(|| instance.commit(key, commit.clone())).await?;
    if let Outcome::Applied(_) = outcome {
        instance.meters.taken_over(TakeOver::Released);
        if let Some(feed) = instance.feeds.get(key) {
            feed.publish(commit.record());
        }
        Ok(Taken::Here)
    } else {
        instance.meters.taken_over(TakeOver::Lost);
        Ok(Taken::Not)
    }
}

async fn fail(instance: &Arc<Instance>, key: &TaskKey, stored: StoredTask, why: &str) -> Result<Taken> {
    let event = run::failed(&stored.task, why, &*instance.env);
    let tip = stored.tip();
    let mut task = stored.task;
    reduce::apply(&mut task, &event);
    let claim = webhook::claim_at_the_end(instance, key).await;
    let commit = Commit::new(tip, CommitId::generate(&*instance.env), vec![event], &task).claim(claim);
    let outcome = instance.retry_for_request().run(|| instance.commit(key, commit.clone())).await?;
    if let Outcome::Applied(_) = outcome {
        instance.meters.taken_over(TakeOver::Failed);
        tracing::warn!(task = %key, "a task of a lost instance is failed");
        if let Some(feed) = instance.feeds.get(key) {
            feed.publish(commit.record());
        }
        if claim != ClaimChange::End {
            webhook::attend(instance, key);
        }
        announce::tell_watchers(instance, key, commit.record(), None).await;
        Ok(Taken::Here)
    } else {
        instance.meters.taken_over(TakeOver::Lost);
        Ok(Taken::Not)
    }
}

/// Runs the agent again, with the task as far as it got. The claiming commit fences the old executor: what it
/// still tries to commit conflicts.
async fn resume(instance: &Arc<Instance>, key: &TaskKey, stored: StoredTask, attempt: u32) -> Result<Taken> {
    if instance.draining.is_cancelled() {
        return Ok(Taken::Not);
    }
    let _held = instance.couriers.hold(key).await;
    let commit = Commit::new(stored.tip(), CommitId::generate(&*instance.env), vec![], &stored.task)
        .claim(ClaimChange::Make { instance: instance.id, attempt });
    let outcome = instance.retry_for_request().run(|| instance.commit(key, commit.clone())).await?;
    let Outcome::Applied(_) = outcome else {
        instance.meters.taken_over(TakeOver::Lost);
        return Ok(Taken::Not);
    };
    instance.meters.taken_over(TakeOver::Resumed);
    tracing::warn!(task = %key, attempt, "a task of a lost instance is resumed");
    if let Some(feed) = instance.feeds.get(key) {
        feed.publish(commit.record());
    }
    let assignment = Assignment {
        key: key.clone(),
        task: stored.task.clone(),
        tip: commit.tip(),
        claim: commit.claim_after(None),
        principal: None,
        watchers: announce::watchers_after_claim(instance, key, stored.version).await,
        // Nobody waits for it, and its agent is not polled here: one that computes would hold up all others.
        answer_at: AnswerAt::Creation,
        cancelling: false,
        webhooks: true,
    };
    let context = resumed_context(key, stored.task);
    drop(run::start(instance, assignment, |instance| Voice::execute(&*instance.agent, context)));
    Ok(Taken::Here)
}

/// What a resumed agent sees: its caller's last message, and the task as far as it got.
fn resumed_context(key: &TaskKey, task: Task) -> ExecutorContext {
    let messages = task.history.iter().flatten();
    let message: Option<Message> = messages.rev().find(|message| message.role == Role::User).cloned();
    ExecutorContext { message, ..run::cancel_context(key, &task) }
}
