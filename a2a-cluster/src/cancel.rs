//! Cancelling a task from any instance: ask its executor, insist, and in the end do it over its head.

mod answers;

use std::sync::Arc;

use a2a::{A2AError, Task, TaskState};
use a2a_core::{ClaimChange, Commit, CommitId, News, Outcome, StoredTask, TaskKey, reduce};
use futures::StreamExt;
use tokio::time::Instant;

pub(crate) use answers::{Answer, Answers};

use crate::feed::{Start, Until, read};
use crate::instance::Instance;
use crate::run::{AnswerAt, Assignment, Control, Voice, cancel_context};
use crate::telemetry::trace;
use crate::{announce, members, run, subscribe, webhook};

/// Cancels a task that its caller may cancel, and returns it cancelled.
pub(crate) async fn cancel(instance: &Arc<Instance>, key: &TaskKey) -> Result<Task, A2AError> {
    let Some((feed, stored)) = subscribe::join(instance, key).await? else {
        return Err(A2AError::task_not_found(&key.task_id));
    };
    if stored.task.status.state.is_terminal() {
        return outcome(stored.task);
    }
    let answers = instance.answers.listen(key);
    let mut events = read(
        instance,
        feed,
        Start::Snapshot(Box::new(stored.task.clone()), stored.version),
        Until::TaskEnds,
        None,
    );
    let asked = Instant::now();
    let config = &instance.config;
    let mut known = stored;
    loop {
        ask(instance, key, &known).await?;
        let next_try = tokio::time::sleep(config.cancel_repeat);
        tokio::pin!(next_try);
        loop {
            tokio::select! {
                biased;
                event = events.next() => match event {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                    None => return finished(instance, key).await,
                },
                () = answers.refused() => return Err(A2AError::task_not_cancelable(&key.task_id)),
                () = &mut next_try => break,
            }
        }
        let heard = answers.heard() || instance.runs.get(key).is_some();
        let patience =
            if heard { config.cancel_grace + config.cancel_patience } else { config.cancel_patience };
        known = load(instance, key).await?;
        if asked.elapsed() >= patience {
            pass_over(instance, key, &known).await?;
        }
    }
}

/// Asks whoever runs the task to cancel it; where nobody does, this instance runs the agent's cancel.
async fn ask(instance: &Arc<Instance>, key: &TaskKey, known: &StoredTask) -> Result<(), A2AError> {
    if known.task.status.state.is_terminal() {
        return Ok(());
    }
    if let Some(run) = instance.runs.get(key) {
        run.tell(Control::Cancel(instance.id));
        return Ok(());
    }
    match known.head.claim {
        Some(claim) if claim.instance != instance.id => {
            members::suspect(instance, key, claim.instance);
            instance.tell(claim.instance, key, News::Cancel(None));
            Ok(())
        }
        _ => take_over(instance, key, known).await,
    }
}

/// Does without an executor that cannot be asked, or winds down for too long.
async fn pass_over(instance: &Arc<Instance>, key: &TaskKey, known: &StoredTask) -> Result<(), A2AError> {
    let is_parked = reduce::is_interrupted(&known.task.status.state);
    if is_parked && instance.runs.get(key).is_none() {
        // No agent works on it: its executor only delivers to webhooks. So the agent can be heard here.
        take_over(instance, key, known).await
    } else {
        enforce(instance, key, known).await
    }
}

async fn take_over(instance: &Arc<Instance>, key: &TaskKey, known: &StoredTask) -> Result<(), A2AError> {
    // A caller that leaves must not leave a task behind that is claimed by nobody.
    let claim = take_over_to_cancel(Arc::clone(instance), key.clone(), known.clone());
    instance.tracker.spawn(trace::carried(claim)).await.map_err(|_| instance.stop_reason())?
}

/// Claims a parked task, and lets the agent cancel it here.
async fn take_over_to_cancel(
    instance: Arc<Instance>,
    key: TaskKey,
    known: StoredTask,
) -> Result<(), A2AError> {
    let (instance, key) = (&instance, &key);
    instance.check_serving()?;
    let _held = instance.couriers.hold(key).await;
    let commit = Commit::new(known.tip(), CommitId::generate(&*instance.env), Vec::new(), &known.task)
        .claim(ClaimChange::Make { instance: instance.id, attempt: 1 });
    let claimed = instance.retry_for_request().run(|| instance.commit(key, commit.clone())).await;
    let Outcome::Applied(_) = claimed.map_err(|error| instance.error(error))? else {
        // Somebody was faster; the next round asks them.
        return Ok(());
    };
    if let Some(feed) = instance.feeds.get(key) {
        feed.publish(commit.record());
    }
    webhook::succeed(instance, key, known.head.claim);
    let assignment = Assignment {
        key: key.clone(),
        task: known.task.clone(),
        tip: commit.tip(),
        claim: commit.claim_after(None),
        principal: None,
        watchers: announce::watchers_after_claim(instance, key, known.version).await,
        answer_at: AnswerAt::Opening,
        cancelling: true,
        webhooks: true,
    };
    let context = cancel_context(key, &known.task);
    drop(run::start(instance, assignment, |instance| Voice::cancel_only(&*instance.agent, context)));
    Ok(())
}

/// Cancels the task over its executor's head; the executor's next commit then conflicts, and it stops.
async fn enforce(instance: &Arc<Instance>, key: &TaskKey, known: &StoredTask) -> Result<(), A2AError> {
    if known.task.status.state.is_terminal() {
        return Ok(());
    }
    tracing::warn!(task = %key, "an executor did not cancel in time; its task is cancelled over its head");
    let event = run::canceled(&known.task, "the task was canceled", &*instance.env);
    let mut task = known.task.clone();
    reduce::apply(&mut task, &event);
    let claim = webhook::claim_at_the_end(instance, key).await;
    let commit =
        Commit::new(known.tip(), CommitId::generate(&*instance.env), vec![event], &task).claim(claim);
    let committed = instance.retry_for_request().run(|| instance.commit(key, commit.clone())).await;
    if let Outcome::Applied(_) = committed.map_err(|error| instance.error(error))? {
        if let Some(feed) = instance.feeds.get(key) {
            feed.publish(commit.record());
        }
        if claim != ClaimChange::End {
            webhook::attend(instance, key);
        }
        let executor = known.head.claim.map(|claim| claim.instance);
        announce::tell_watchers(instance, key, commit.record(), executor).await;
    }
    Ok(())
}

/// Cancels a parked task of this instance for a caller of another, who asks again until it is done.
pub(crate) async fn for_another(instance: Arc<Instance>, key: TaskKey) {
    if let Err(error) = cancel(&instance, &key).await {
        tracing::debug!(task = %key, code = error.code, "a task is not cancelled for another instance");
    }
}

async fn load(instance: &Instance, key: &TaskKey) -> Result<StoredTask, A2AError> {
    let loaded = instance.retry_for_request().run(|| instance.tasks.load(key)).await;
    loaded.map_err(|error| instance.error(error))?.ok_or_else(|| A2AError::task_not_found(&key.task_id))
}

async fn finished(instance: &Instance, key: &TaskKey) -> Result<Task, A2AError> {
    outcome(load(instance, key).await?.task)
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
