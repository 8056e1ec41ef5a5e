//! Telling watchers about commits that no run publishes.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a_core::{BusMessage, CommitRecord, InstanceId, News, Recipient, TaskKey, Version};
use tracing::Instrument;

use crate::error::Chain;
use crate::instance::Instance;
use crate::telemetry::{sending, trace};

/// Reads who watches a task, after the commit that claimed it: whoever registered before is in this read,
/// whoever registers later sees the new executor and sends `Watch`. They have everything up to `before`.
pub(crate) async fn watchers_after_claim(
    instance: &Instance,
    key: &TaskKey,
    before: Version,
) -> Vec<(InstanceId, Version)> {
    let watchers = match instance.retry_for_request().run(|| instance.tasks.watchers(key)).await {
        Ok(watchers) => watchers,
        Err(error) => {
            // They find the task's news by themselves, later.
            tracing::warn!(task = %key, error = %Chain(&error), "watchers of a claimed task are unknown");
            BTreeSet::new()
        }
    };
    watchers.into_iter().filter(|who| *who != instance.id).map(|who| (who, before)).collect()
}

/// Sends one commit to all watchers but this instance, and to the executor over whose head it was made. What
/// fails is found by their silence checks.
pub(crate) async fn tell_watchers(
    instance: &Instance,
    key: &TaskKey,
    record: &Arc<CommitRecord>,
    executor: Option<InstanceId>,
) {
    let watchers = match instance.tasks.watchers(key).await {
        Ok(watchers) => watchers,
        Err(error) => {
            tracing::debug!(task = %key, error = %Chain(&error), "watchers are not told of a commit");
            return;
        }
    };
    let mut to: BTreeSet<InstanceId> = watchers.into_iter().chain(executor).collect();
    to.remove(&instance.id);
    let to: Vec<Recipient> = to.into_iter().map(Recipient::direct).collect();
    if to.is_empty() {
        return;
    }
    let news = News::Commits(vec![Arc::clone(record)]);
    let message =
        BusMessage { from: instance.id, task: key.clone(), news, trace: trace::header(&*instance.env) };
    if let Err(error) = instance.send(&to, &message).instrument(sending(instance, &message)).await {
        tracing::debug!(task = %key, error = %Chain(&error), "watchers are not told of a commit");
    }
}
