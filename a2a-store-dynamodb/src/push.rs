//! Push configs: an item each beside the task they belong to, and as long-lived.

use std::collections::HashMap;

use a2a::TaskPushNotificationConfig;
use a2a_core::{
    BackendError, ConfigRevision, GivenUpCursor, GivenUpDelivery, PushConfigs, PushNext, PushProgress,
    PushSubscription, Result, TaskKey, Version,
};
use async_trait::async_trait;

use crate::DynamoDbStore;
use crate::attributes::{Attributes, EXPIRES, INCARNATION, Item, PK, SK, bytes, is_expired, number, text};
use crate::calls::Written;
use crate::draft::Draft;
use crate::head::Head;
use crate::keys;
use crate::parts::PART_BYTES;
use crate::payload::{self, Payload};

/// The config as JSON.
const CONFIG: &str = "d";
/// The config's revision.
const REVISION: &str = "r";
/// The last version that was acknowledged.
const ACKNOWLEDGED: &str = "a";
/// What is told next.
const NEXT: &str = "n";

/// Above all versions.
const SINGLY: u64 = 1 << 62;
const TASK: u64 = 1 << 63;

/// What is told next as a number: the greater, the later.
fn rank(next: PushNext) -> u64 {
    match next {
        PushNext::Events => 0,
        PushNext::Batches(until) => until.get(),
        PushNext::Singly(until) => SINGLY | until.get(),
        PushNext::Task(until) => TASK | until.get(),
    }
}

fn ranked(rank: u64) -> PushNext {
    let until = Version::new(rank & !(SINGLY | TASK));
    match (rank & TASK, rank & SINGLY) {
        (0, 0) if rank == 0 => PushNext::Events,
        (0, 0) => PushNext::Batches(until),
        (0, _) => PushNext::Singly(until),
        _ => PushNext::Task(until),
    }
}

#[async_trait]
impl PushConfigs for DynamoDbStore {
    async fn save_config(&self, key: &TaskKey, subscription: &PushSubscription) -> Result<()> {
        let pk = keys::partition(key)?;
        let id = subscription.config.id.as_deref().unwrap_or_default();
        let config = payload::to_json(&subscription.config)?;
        if config.len() > PART_BYTES {
            return Err(BackendError::TooLarge {
                what: "a push config",
                actual: config.len(),
                limit: PART_BYTES,
            });
        }
        let mut item = HashMap::from([
            (PK.to_owned(), text(&pk)),
            (SK.to_owned(), text(keys::push_config(id)?)),
            (CONFIG.to_owned(), bytes(config)),
            (REVISION.to_owned(), text(subscription.revision.uuid().simple().to_string())),
            (ACKNOWLEDGED.to_owned(), number(subscription.progress.acknowledged)),
            (NEXT.to_owned(), number(rank(subscription.progress.next))),
        ]);
        // The config goes when its task goes.
        if let Some(head) = self.calls.get(&pk, keys::HEAD).await?.as_ref().map(Head::read).transpose()? {
            item.insert(INCARNATION.to_owned(), number(head.incarnation));
            if let Some(expires) = head.expires {
                item.insert(EXPIRES.to_owned(), number(expires));
            }
        }
        match self.calls.send_put(self.calls.put(item)).await? {
            Written::Done | Written::Unmet(_) => Ok(()),
        }
    }

    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>> {
        let (pk, sk) = (keys::partition(key)?, keys::push_config(id)?);
        match self.calls.get(&pk, &sk).await? {
            Some(item) => self.read_config(&item).await,
            None => Ok(None),
        }
    }

    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        let pk = keys::partition(key)?;
        let mut configs = Vec::new();
        for item in self.calls.all(self.calls.range(&pk, keys::PUSH_CONFIGS)).await? {
            configs.extend(self.read_config(&item).await?);
        }
        Ok(configs)
    }

    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()> {
        let (pk, sk) = (keys::partition(key)?, keys::push_config(id)?);
        match self.calls.send_delete(self.calls.delete(&pk, &sk)).await? {
            Written::Done | Written::Unmet(_) => Ok(()),
        }
    }

    async fn acknowledge(
        &self,
        key: &TaskKey,
        id: &str,
        revision: ConfigRevision,
        progress: PushProgress,
    ) -> Result<()> {
        let (pk, sk) = (keys::partition(key)?, keys::push_config(id)?);
        let update = self
            .calls
            .update(&pk, &sk)
            .update_expression("SET a = :a, n = :n")
            .condition_expression("r = :r AND (a < :a OR (a = :a AND n < :n))")
            .expression_attribute_values(":a", number(progress.acknowledged))
            .expression_attribute_values(":n", number(rank(progress.next)))
            .expression_attribute_values(":r", text(revision.uuid().simple().to_string()));
        match self.calls.send_update(update).await? {
            Written::Done | Written::Unmet(_) => Ok(()),
        }
    }

    async fn give_up(&self, delivery: &GivenUpDelivery) -> Result<()> {
        self.list_given_up(delivery).await
    }

    async fn given_up(&self, after: Option<&GivenUpCursor>, limit: usize) -> Result<Vec<GivenUpDelivery>> {
        self.read_given_up(after, limit).await
    }

    async fn forget_given_up(&self, key: &TaskKey, config_id: &str) -> Result<()> {
        self.unlist_given_up(key, config_id).await
    }
}

impl DynamoDbStore {
    async fn read_config(&self, item: &Item) -> Result<Option<PushSubscription>> {
        if is_expired(item.find(EXPIRES)?, self.now()) {
            return Ok(None);
        }
        let json = item.find_bytes(CONFIG)?.ok_or_else(|| BackendError::corrupt("an empty push config"))?;
        let payload = Payload { deflated: false, bytes: json.to_vec() };
        let config: TaskPushNotificationConfig = payload::unpack("a push config", payload).await?;
        Ok(Some(PushSubscription {
            config,
            revision: ConfigRevision::from_uuid(item.parse(REVISION)?),
            progress: PushProgress {
                acknowledged: Version::new(item.parse(ACKNOWLEDGED)?),
                next: ranked(item.parse(NEXT)?),
            },
        }))
    }

    /// Reads the configs that are to expire with the task that this commit ends.
    pub(crate) async fn configs_to_expire(&self, draft: &Draft<'_>) -> Result<Vec<Item>> {
        if !draft.commit.record().is_terminal() || self.times(draft).head.is_none() {
            return Ok(Vec::new());
        }
        self.calls.all(self.calls.range(&draft.pk, keys::PUSH_CONFIGS).projection_expression(SK)).await
    }

    /// Lets these configs of a task that has ended expire with it. Best effort.
    pub(crate) async fn expire_configs(&self, draft: &Draft<'_>, configs: Result<Vec<Item>>) {
        if let Err(error) = self.try_expire_configs(draft, configs).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "push configs will outlive their task");
        }
    }

    async fn try_expire_configs(&self, draft: &Draft<'_>, configs: Result<Vec<Item>>) -> Result<()> {
        let Some(expires) = self.times(draft).head else { return Ok(()) };
        for item in configs? {
            let update = self
                .calls
                .update(&draft.pk, item.text(SK)?)
                .update_expression("SET x = :x")
                .condition_expression("attribute_exists(pk)")
                .expression_attribute_values(":x", number(expires));
            match self.calls.send_update(update).await? {
                Written::Done | Written::Unmet(_) => {}
            }
        }
        Ok(())
    }
}
