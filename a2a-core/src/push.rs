//! The contract of a push notification config store.

use std::fmt;

use a2a::TaskPushNotificationConfig;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Env, Result, TaskKey, Version};

/// Names one config as it was saved, among all that its id has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigRevision(Uuid);

impl ConfigRevision {
    /// Draws a new one.
    pub fn generate(env: &dyn Env) -> Self {
        ConfigRevision(env.uuid())
    }

    /// Wraps a UUID read back from a store.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        ConfigRevision(uuid)
    }

    /// Returns the UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

/// Names one delivery to a webhook, among all that have begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(Uuid);

impl DeliveryId {
    /// Draws a new one.
    pub fn generate(env: &dyn Env) -> Self {
        DeliveryId(env.uuid())
    }

    /// Wraps a UUID read back from a store.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        DeliveryId(uuid)
    }

    /// Returns the UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

/// A delivery to a webhook. What it records counts until another one begins: an instance that has lost its claim may
/// not know that yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushDelivery {
    /// Its name.
    pub id: DeliveryId,
    /// The config whose webhook it is for.
    pub config_id: String,
    /// As that was saved.
    pub revision: ConfigRevision,
}

/// What a webhook is told next. On record before it is told, so that whoever goes on in another's place tells the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum PushNext {
    /// Event by event.
    #[default]
    Events,
    /// What comes up to this version, in batches.
    Batches(Version),
    /// What comes up to this version, each event by itself: it was refused together.
    Singly(Version),
    /// The task as it is, up to this version.
    Task(Version),
}

/// How far a webhook got. The later of two has the greater `acknowledged`, or the same and the greater `next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct PushProgress {
    /// The last version whose events it has acknowledged, or that it never wanted.
    pub acknowledged: Version,
    /// What it is told next.
    pub next: PushNext,
}

impl PushProgress {
    /// Has everything up to a version, and is told event by event what follows.
    pub const fn to(acknowledged: Version) -> Self {
        PushProgress { acknowledged, next: PushNext::Events }
    }
}

/// A webhook that wants a task's events, and how far it got.
#[derive(Clone, PartialEq)]
pub struct PushSubscription {
    /// The config as the client gave it; its `id` and `task_id` are set.
    pub config: TaskPushNotificationConfig,
    /// Another one for each config that takes this one's place under its id.
    pub revision: ConfigRevision,
    /// How far it got.
    pub progress: PushProgress,
    /// The delivery that records this, once one has begun.
    pub delivery: Option<DeliveryId>,
}

impl PushSubscription {
    /// Wants the events that follow a version.
    pub fn new(config: TaskPushNotificationConfig, revision: ConfigRevision, acknowledged: Version) -> Self {
        PushSubscription { config, revision, progress: PushProgress::to(acknowledged), delivery: None }
    }

    /// Wants the task as it is, and then what follows: it came when there was no event to come, or none for a while.
    /// It is told no later version of the task before a later progress is on record.
    pub fn to_task(config: TaskPushNotificationConfig, revision: ConfigRevision, up_to: Version) -> Self {
        PushSubscription {
            config,
            revision,
            progress: PushProgress { acknowledged: Version::ABSENT, next: PushNext::Task(up_to) },
            delivery: None,
        }
    }
}

impl fmt::Debug for PushSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL, token and credentials of a webhook are secrets.
        f.debug_struct("PushSubscription")
            .field("id", &self.config.id)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

/// A delivery that was given up: an operator lists these, and may have one tried again.
///
/// It names a webhook's host and nothing else of its address, which is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUpDelivery {
    /// The task whose events were to be delivered.
    pub task: TaskKey,
    /// The config whose webhook did not take them.
    pub config_id: String,
    /// The last version that was to be delivered.
    pub version: Version,
    /// The host of the webhook.
    pub host: String,
    /// Why it was given up, in words for an operator; no content.
    pub reason: String,
    /// When it was given up.
    pub at: DateTime<Utc>,
}

/// The position of one delivery in the list of those that were given up: its task and its config's id.
pub type GivenUpCursor = (TaskKey, String);

/// Keeps push notification configs (specification, sections 3.1.7 to 3.1.10).
///
/// The caller has checked that the task exists and is the caller's, and has set the config's id.
///
/// # Contract
///
/// 1. `a_saved_config_is_returned`, by `get` and in `list`, whole.
/// 2. `saving_under_the_same_id_replaces`.
/// 3. `configs_are_listed_in_id_order`, those of the given task only.
/// 4. `removing_a_config_is_idempotent`.
/// 5. `acknowledge_only_moves_forward`: an earlier progress changes nothing, nor does an unknown config.
/// 6. `acknowledging_concerns_one_revision`: nothing changes where another config has taken its place.
/// 7. `a_delivery_begins_where_the_last_one_got`, if its config is still that one.
/// 8. `what_a_delivery_acknowledges_counts_until_another_begins`; where none has begun, one begins with what it
///    acknowledges.
/// 9. `configs_of_one_tenant_are_invisible_to_another`.
/// 10. `a_delivery_that_was_given_up_is_listed`, whole, until it is forgotten; a later one of the same config takes
///    its place.
/// 11. `given_up_pages_cover_every_delivery`: at most `limit` on each, in an order of the store's own; the list may
///    lag by seconds.
/// 12. `forgetting_a_given_up_delivery_is_idempotent`, and leaves the config.
///
/// ```
/// # use a2a_core::{PushConfigs, TaskKey, Result};
/// async fn has_webhook(configs: &dyn PushConfigs, key: &TaskKey) -> Result<bool> {
///     Ok(!configs.list_configs(key).await?.is_empty())
/// }
/// ```
#[async_trait]
pub trait PushConfigs: fmt::Debug + Send + Sync + 'static {
    /// Writes a config under its id. Idempotent.
    async fn save_config(&self, key: &TaskKey, subscription: &PushSubscription) -> Result<()>;

    /// Reads one config. Cancel safe, idempotent.
    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>>;

    /// Reads all configs of a task, in id order. Cancel safe, idempotent.
    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>>;

    /// Removes a config. Idempotent.
    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()>;

    /// Begins a delivery: from now on no other one counts. Returns how far the webhook got, or `None` where its config
    /// is gone, or is another one. Idempotent.
    async fn begin_delivery(&self, key: &TaskKey, delivery: &PushDelivery) -> Result<Option<PushProgress>>;

    /// Records how far the webhook got, if that is further than before. Returns whether the delivery counts: where it
    /// does not, because another one has begun, or its config is gone, or is another one, nothing is changed.
    /// Idempotent.
    async fn acknowledge(
        &self,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool>;

    /// Records that a delivery was given up. Idempotent.
    async fn give_up(&self, delivery: &GivenUpDelivery) -> Result<()>;

    /// Reads deliveries that were given up, over all tasks: at most `limit` of those that follow `after`. Cancel
    /// safe, idempotent.
    async fn given_up(&self, after: Option<&GivenUpCursor>, limit: usize) -> Result<Vec<GivenUpDelivery>>;

    /// Forgets that a delivery was given up: it was made after all, or nobody wants it any more. Idempotent.
    async fn forget_given_up(&self, key: &TaskKey, config_id: &str) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use a2a::AuthenticationInfo;

    use super::*;

    #[test]
    fn a_webhooks_secrets_are_shown_nowhere() {
        let secret = || "s3cret".to_owned();
        let config = TaskPushNotificationConfig {
            url: "https://example.com/s3cret".to_owned(),
            id: Some("config".to_owned()),
            task_id: "task".to_owned(),
            token: Some(secret()),
            authentication: Some(AuthenticationInfo { scheme: secret(), credentials: Some(secret()) }),
            tenant: Some(secret()),
        };
        let subscription =
            PushSubscription::new(config, ConfigRevision::from_uuid(Uuid::nil()), Version::new(7));
        let shown = format!("{subscription:?} {subscription:#?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("config") && shown.contains('7'));
    }
}
