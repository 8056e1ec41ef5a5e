//! Deliveries that outlive an executor: whoever ends a task in its place, or finds it dead, delivers.

use std::sync::Arc;

use a2a_core::{
    Claim, ClaimChange, Commit, CommitId, InstanceId, News, Outcome, Result, StoredTask, TaskKey,
};

use super::couriers::attend;
use crate::error::Chain;
use crate::instance::Instance;

/// What becomes of the claim with a commit that ends a task in its executor's place: where the task has
/// configs, this instance is recorded, and [`attend`]s to it once the commit is applied.
pub(crate) async fn claim_at_the_end(instance: &Instance, key: &TaskKey) -> ClaimChange {
    if !instance.declares_webhooks() {
        return ClaimChange::End;
    }
    match instance.retry_for_request().run(|| instance.push.list_configs(key)).await {
        Ok(configs) if configs.is_empty() => ClaimChange::End,
        Ok(_) => ClaimChange::Make { instance: instance.id, attempt: 1 },
        // The courier finds out.
        Err(error) => {
            tracing::debug!(task = %key, error = %Chain(&error), "a task's webhooks cannot be read yet");
            ClaimChange::Make { instance: instance.id, attempt: 1 }
        }
    }
}

/// Takes over what is left to deliver of a task whose turn is over, but whose executor is dead. `false`:
/// nothing is; release the task.
///
/// The claiming commit has no events. It fences the dead executor's courier off, and makes it one instance of
/// all survivors that delivers. A log may go on so after the task has ended; its state does not change.
pub(crate) async fn inherit(instance: &Arc<Instance>, key: &TaskKey, stored: &StoredTask) -> Result<bool> {
    if !instance.declares_webhooks() {
        return Ok(false);
    }
    if instance.couriers.attends_to(key) {
        attend(instance, key);
        return Ok(true);
    }
    let configs = instance.retry_until_stopped().run(|| instance.push.list_configs(key)).await?;
    if configs.iter().all(|config| config.acknowledged >= stored.version) {
        return Ok(false);
    }
    if instance.draining.is_cancelled() {
        // Somebody who stays takes it over.
        return Ok(true);
    }
    let commit = Commit::new(stored.tip(), CommitId::generate(&*instance.env), vec![], &stored.task)
        .claim(ClaimChange::Make { instance: instance.id, attempt: 1 });
    let outcome = instance.retry_until_stopped().run(|| instance.commit(key, commit.clone())).await?;
    if let Outcome::Applied(_) = outcome {
        tracing::info!(task = %key, "a lost instance's webhooks are served from here");
        if let Some(feed) = instance.feeds.get(key) {
            feed.publish(commit.record());
        }
        attend(instance, key);
    }
    Ok(true)
}

/// Tells the instance that was recorded before a claim that its courier is not needed any more.
pub(crate) fn succeed(instance: &Instance, key: &TaskKey, before: Option<Claim>) {
    let before: Option<InstanceId> = before.map(|claim| claim.instance);
    if let Some(before) = before.filter(|before| *before != instance.id && instance.declares_webhooks()) {
        instance.tell(before, key, News::Configs);
    }
}
