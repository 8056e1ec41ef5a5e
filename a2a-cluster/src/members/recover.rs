//! Taking over what a dead instance left behind.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use a2a::{Message, Role, Task};
use a2a_core::{ClaimChange, Commit, CommitId, InstanceId, Outcome, Result, StoredTask, TaskKey, reduce};
use a2a_server::ExecutorContext;

use super::index;
use crate::config::ExecutorLost;
use crate::error::Chain;
use crate::instance::Instance;
use crate::run::{self, AnswerAt, Assignment, Voice};
use crate::telemetry::TakeOver;
use crate::{announce, webhook};

/// How often the index of a dead instance's tasks must read empty, a beat apart, before it counts as empty:
/// it may lag behind the commits.
const EMPTY_READS: u32 = 2;

/// What is being looked into now, so that nothing is twice at once.
#[derive(Debug, Default)]
pub(crate) struct Suspects {
    instances: Mutex<BTreeSet<InstanceId>>,
    tasks: Mutex<BTreeSet<TaskKey>>,
}

/// Begins to take over the tasks of an evicted instance, unless that is under way here.
pub(crate) fn begin(instance: &Arc<Instance>, dead: InstanceId) {
    if insert(&instance.suspects.instances, dead) {
        let instance = Arc::clone(instance);
        instance.tracker.clone().spawn(async move {
            if let Err(error) = recover(&instance, dead).await {
                tracing::warn!(%dead, error = %Chain(&error), "a dead instance's tasks wait to be taken over");
            }
            remove(&instance.suspects.instances, &dead);
        });
    }
}

/// Looks into a task whose executor has been silent: where that is no live member, takes the task over.
pub(crate) fn suspect(instance: &Arc<Instance>, key: &TaskKey, executor: InstanceId) {
    if executor == instance.id || !insert(&instance.suspects.tasks, key.clone()) {
        return;
    }
    let instance = Arc::clone(instance);
    let key = key.clone();
    instance.tracker.clone().spawn(async move {
        let looked = async {
            if is_dead(&instance, executor).await? {
                take_over(&instance, &key, executor).await?;
            }
            Ok(())
        };
        let looked: Result<()> = looked.await;
        if let Err(error) = looked {
            tracing::debug!(task = %key, error = %Chain(&error), "a silent executor is not looked into yet");
        }
        remove(&instance.suspects.tasks, &key);
    });
}

async fn recover(instance: &Arc<Instance>, dead: InstanceId) -> Result<()> {
    let mut empty = 0;
    while empty < EMPTY_READS {
        let keys = index::executing(instance, &dead).await?;
        if keys.is_empty() {
            empty += 1;
        } else {
            empty = 0;
            for key in keys {
                take_over(instance, &key, dead).await?;
            }
        }
        tokio::select! {
            biased;
            () = instance.closing.cancelled() => return Ok(()),
            () = tokio::time::sleep(instance.config.beat_interval) => {}
        }
    }
    instance.members.remove(&dead).await
}

/// Looks into a task of another instance that has not moved for long. The clocks of two machines are compared
/// here, but only to decide whether to look.
pub(crate) fn suspect_if_old(instance: &Arc<Instance>, key: &TaskKey, stored: &StoredTask) {
    let status = &stored.task.status;
    let age = status.timestamp.and_then(|at| (instance.env.now() - at).to_std().ok()).unwrap_or_default();
    if let Some(claim) = stored.head.claim
        && !reduce::ends_turn(&status.state)
        && age > instance.config.lease * 2
    {
        suspect(instance, key, claim.instance);
    }
}

async fn is_dead(instance: &Instance, who: InstanceId) -> Result<bool> {
    Ok(instance.members.member(&who).await?.is_none_or(|member| member.state.is_final()))
}

/// Takes one task over by commit. Somebody else may be faster; then nothing happens.
pub(super) async fn take_over(instance: &Arc<Instance>, key: &TaskKey, dead: InstanceId) -> Result<()> {
    let Some(stored) = instance.retry_until_stopped().run(|| instance.tasks.load(key)).await? else {
        return Ok(());
    };
    let Some(claim) = stored.head.claim.filter(|claim| claim.instance == dead) else {
        return Ok(());
    };
    let state = &stored.task.status.state;
    if reduce::ends_turn(state) {
        if webhook::inherit(instance, key, &stored).await? {
            return Ok(());
        }
        return end_claim(instance, key, stored).await;
    }
    match instance.config.executor_lost {
        ExecutorLost::Resume { max_attempts } if claim.attempt < max_attempts => {
            resume(instance, key, stored, claim.attempt + 1).await
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
async fn end_claim(instance: &Arc<Instance>, key: &TaskKey, stored: StoredTask) -> Result<()> {
    let commit = Commit::new(stored.tip(), CommitId::generate(&*instance.env), vec![], &stored.task)
        .claim(ClaimChange::End);
    let outcome = instance.retry_until_stopped().run(|| instance.commit(key, commit.clone())).await?;
    if let Outcome::Applied(_) = outcome {
        instance.meters.taken_over(TakeOver::Released);
        if let Some(feed) = instance.feeds.get(key) {
            feed.publish(commit.record());
        }
    } else {
        instance.meters.taken_over(TakeOver::Lost);
    }
    Ok(())
}

async fn fail(instance: &Arc<Instance>, key: &TaskKey, stored: StoredTask, why: &str) -> Result<()> {
    let event = run::failed(&stored.task, why, &*instance.env);
    let tip = stored.tip();
    let mut task = stored.task;
    reduce::apply(&mut task, &event);
    let claim = webhook::claim_at_the_end(instance, key).await;
    let commit = Commit::new(tip, CommitId::generate(&*instance.env), vec![event], &task).claim(claim);
    let outcome = instance.retry_until_stopped().run(|| instance.commit(key, commit.clone())).await?;
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
    } else {
        instance.meters.taken_over(TakeOver::Lost);
    }
    Ok(())
}

/// Runs the agent again, with the task as far as it got. The claiming commit fences the old executor: what it
/// still tries to commit conflicts.
async fn resume(instance: &Arc<Instance>, key: &TaskKey, stored: StoredTask, attempt: u32) -> Result<()> {
    if instance.draining.is_cancelled() {
        return Ok(());
    }
    let _held = instance.couriers.hold(key).await;
    let commit = Commit::new(stored.tip(), CommitId::generate(&*instance.env), vec![], &stored.task)
        .claim(ClaimChange::Make { instance: instance.id, attempt });
    let outcome = instance.retry_until_stopped().run(|| instance.commit(key, commit.clone())).await?;
    let Outcome::Applied(_) = outcome else {
        instance.meters.taken_over(TakeOver::Lost);
        return Ok(());
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
        answer_at: AnswerAt::Opening,
        cancelling: false,
        webhooks: true,
    };
    let context = resumed_context(key, stored.task);
    drop(run::start(instance, assignment, |instance| Voice::execute(&*instance.agent, context)));
    Ok(())
}

/// What a resumed agent sees: its caller's last message, and the task as far as it got.
fn resumed_context(key: &TaskKey, task: Task) -> ExecutorContext {
    let messages = task.history.iter().flatten();
    let message: Option<Message> = messages.rev().find(|message| message.role == Role::User).cloned();
    ExecutorContext { message, ..run::cancel_context(key, &task) }
}

fn insert<T: Ord>(set: &Mutex<BTreeSet<T>>, item: T) -> bool {
    set.lock().unwrap_or_else(PoisonError::into_inner).insert(item)
}

fn remove<T: Ord>(set: &Mutex<BTreeSet<T>>, item: &T) {
    set.lock().unwrap_or_else(PoisonError::into_inner).remove(item);
}
