//! Push configs: an item each beside the task they belong to, and as long-lived.

mod given_up;

use std::collections::HashMap;

use a2a::TaskPushNotificationConfig;
use a2a_core::{
    BackendError, ConfigRevision, DeliveryId, GivenUpCursor, GivenUpDelivery, PushConfigs, PushDelivery,
    PushNext, PushProgress, PushSubscription, Result, TaskKey, Version,
};
use async_trait::async_trait;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::items::attributes::{
    Attributes, EXPIRES, INCARNATION, Item, PK, SK, bytes, is_expired, number, text,
};
use crate::items::head::Head;
use crate::items::keys;
use crate::items::part::PART_BYTES;
use crate::items::payload::{self, Payload};
use crate::requests::calls::Written;
use crate::retention::Times;

/// The config as JSON.
const CONFIG: &str = "d";
/// The config's revision.
const REVISION: &str = "r";
/// The last version that was acknowledged.
const ACKNOWLEDGED: &str = "a";
/// What is told next.
const NEXT: &str = "n";
/// The delivery that began last.
const BEGUN: &str = "b";

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
            (REVISION.to_owned(), name(subscription.revision.uuid())),
            (ACKNOWLEDGED.to_owned(), number(subscription.progress.acknowledged)),
            (NEXT.to_owned(), number(rank(subscription.progress.next))),
        ]);
        if let Some(delivery) = subscription.delivery {
            item.insert(BEGUN.to_owned(), name(delivery.uuid()));
        }
        let head = self.calls.get(&pk, keys::HEAD).await?.as_ref().map(Head::read).transpose()?;
        if let Some(head) = &head {
            item.insert(INCARNATION.to_owned(), number(head.incarnation));
        }
        // Whatever becomes of its task or of us before the next look, it goes; and where no task is made.
        let provisional = self.now().saturating_add(self.commit_seconds());
        item.insert(EXPIRES.to_owned(), number(provisional));
        match self.calls.send_put(self.calls.put(item)).await? {
            Written::Done | Written::Unmet(_) => {
                self.let_go_with_task(&pk, id, head.as_ref(), provisional).await
            }
        }
    }

    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>> {
        let (pk, sk) = (keys::partition(key)?, keys::push_config(id)?);
        let Some(item) = self.calls.get(&pk, &sk).await? else { return Ok(None) };
        match self.is_of_task(&item, self.read_head(&pk).await?.as_ref())? {
            true => read_config(&item).await.map(Some),
            false => Ok(None),
        }
    }

    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        let pk = keys::partition(key)?;
        let items = self.calls.all(self.calls.range(&pk, keys::PUSH_CONFIGS)).await?;
        let mut configs = Vec::with_capacity(items.len());
        if items.is_empty() {
            return Ok(configs);
        }
        let head = self.read_head(&pk).await?;
        for item in items {
            if self.is_of_task(&item, head.as_ref())? {
                configs.push(read_config(&item).await?);
            }
        }
        Ok(configs)
    }

    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()> {
        let (pk, sk) = (keys::partition(key)?, keys::push_config(id)?);
        match self.calls.send_delete(self.calls.delete(&pk, &sk)).await? {
            Written::Done | Written::Unmet(_) => Ok(()),
        }
    }

    async fn begin_delivery(&self, key: &TaskKey, delivery: &PushDelivery) -> Result<Option<PushProgress>> {
        let update =
            self.update_of(key, delivery)?.update_expression("SET b = :b").condition_expression("r = :r");
        // What others wrote before that is known now, and they write no more.
        let begun = self.calls.send_update_and_read(update).await?;
        begun.as_ref().map(progress_of).transpose()
    }

    async fn acknowledge(
        &self,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        let update = self
            .update_of(key, delivery)?
            .update_expression("SET a = :a, n = :n, b = :b")
            .condition_expression(
                "r = :r AND (attribute_not_exists(b) OR b = :b) AND (a < :a OR (a = :a AND n < :n))",
            )
            .expression_attribute_values(":a", number(progress.acknowledged))
            .expression_attribute_values(":n", number(rank(progress.next)));
        match self.calls.send_update(update).await? {
            Written::Done => Ok(true),
            Written::Unmet(None) => Ok(false),
            Written::Unmet(Some(item)) => Ok(revision_of(&item)? == delivery.revision
                && delivery_of(&item)?.is_none_or(|known| known == delivery.id)),
        }
    }

    async fn give_up(&self, delivery: &GivenUpDelivery) -> Result<()> {
        self.give_up(delivery).await
    }

    async fn given_up(&self, after: Option<&GivenUpCursor>, limit: usize) -> Result<Vec<GivenUpDelivery>> {
        self.given_up(after, limit).await
    }

    async fn forget_given_up(&self, key: &TaskKey, config_id: &str) -> Result<()> {
        self.forget_given_up(key, config_id).await
    }
}

fn name(uuid: Uuid) -> AttributeValue {
    text(uuid.simple().to_string())
}

fn revision_of(item: &Item) -> Result<ConfigRevision> {
    Ok(ConfigRevision::from_uuid(item.parse(REVISION)?))
}

fn delivery_of(item: &Item) -> Result<Option<DeliveryId>> {
    Ok(item.find(BEGUN)?.map(DeliveryId::from_uuid))
}

fn progress_of(item: &Item) -> Result<PushProgress> {
    Ok(PushProgress {
        acknowledged: Version::new(item.parse(ACKNOWLEDGED)?),
        next: ranked(item.parse(NEXT)?),
    })
}

async fn read_config(item: &Item) -> Result<PushSubscription> {
    let json = item.find_bytes(CONFIG)?.ok_or_else(|| BackendError::corrupt("an empty push config"))?;
    let payload = Payload { deflated: false, bytes: json.to_vec() };
    let config: TaskPushNotificationConfig = payload::unpack("a push config", payload, 0).await?;
    Ok(PushSubscription {
        config,
        revision: revision_of(item)?,
        delivery: delivery_of(item)?,
        progress: progress_of(item)?,
    })
}

impl DynamoDbStore {
    /// Sees to it that a config which was just saved goes with its task, and no sooner: that may have ended, or been deleted,
    /// since its head was `seen`, and who did so did not see the config. Where there is no task, it goes if none is made.
    async fn let_go_with_task(
        &self,
        pk: &str,
        id: &str,
        seen: Option<&Head>,
        provisional: i64,
    ) -> Result<()> {
        let head = self.calls.get(pk, keys::HEAD).await?.as_ref().map(Head::read).transpose()?;
        let sk = keys::push_config(id)?;
        let fate = match head {
            // It is not created yet; or it was purged, which leaves nothing.
            None if seen.is_none() => return Ok(()),
            None => self.calls.send_delete(self.calls.delete(pk, &sk)).await?,
            Some(head) => match (&head.deleted, head.expires) {
                (Some(_), _) => self.calls.send_delete(self.calls.delete(pk, &sk)).await?,
                (None, Some(expires)) => {
                    self.expire_config(pk, &sk, Some(self.after_task(&head, expires))).await?
                }
                // Unless its turn has ended meanwhile, with another time.
                (None, None) => {
                    let keep = self.calls.update(pk, &sk).update_expression("REMOVE x");
                    let keep = keep.condition_expression("x = :x");
                    let keep = keep.expression_attribute_values(":x", number(provisional));
                    self.calls.send_update(keep).await?
                }
            },
        };
        match fate {
            Written::Done | Written::Unmet(_) => Ok(()),
        }
    }

    async fn expire_config(&self, pk: &str, sk: &str, expires: Option<i64>) -> Result<Written> {
        let update = self.calls.update(pk, sk).condition_expression("attribute_exists(pk)");
        let update = match expires {
            Some(expires) => {
                update.update_expression("SET x = :x").expression_attribute_values(":x", number(expires))
            }
            None => update.update_expression("REMOVE x"),
        };
        self.calls.send_update(update).await
    }

    /// Begins an update of a delivery's config: `:r` is its revision, and `:b` the delivery.
    fn update_of(&self, key: &TaskKey, delivery: &PushDelivery) -> Result<UpdateItemFluentBuilder> {
        let (pk, sk) = (keys::partition(key)?, keys::push_config(&delivery.config_id)?);
        let update = self.calls.update(&pk, &sk);
        Ok(update
            .expression_attribute_values(":r", name(delivery.revision.uuid()))
            .expression_attribute_values(":b", name(delivery.id.uuid())))
    }

    /// When a config goes whose task expires: a task that waits may be gone on with in its last moment.
    fn after_task(&self, head: &Head, expires: i64) -> i64 {
        let rest = if head.facts.state.is_terminal() { 0 } else { self.commit_seconds() };
        expires.saturating_add(rest)
    }

    /// Tells whether a config is there: for as long as its task, in this life of it; or for its time, until there is a task.
    fn is_of_task(&self, config: &Item, head: Option<&Head>) -> Result<bool> {
        let life = config.find::<u64>(INCARNATION)?;
        Ok(match head {
            Some(head) => life.is_none_or(|life| life == head.incarnation),
            None => life.is_none() && !is_expired(config.find(EXPIRES)?, self.now()),
        })
    }

    /// Lets the configs of a task whose turn has ended expire with it, or, where the task waits, with its snapshot; never,
    /// where it does not. `keeps`: the task does not expire later than it did, nor do they. Best effort.
    pub(crate) async fn expire_configs(&self, pk: &str, times: &Times, keeps: bool) {
        if let Err(error) = self.try_expire_configs(pk, times.configs, keeps).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "push configs will outlive their task");
        }
    }

    async fn try_expire_configs(&self, pk: &str, expires: Option<i64>, keeps: bool) -> Result<()> {
        let range = self.calls.range(pk, keys::PUSH_CONFIGS).projection_expression("sk, x");
        for item in self.calls.all(range).await? {
            // Whoever takes an ended task over lets those go that its executor died over, and does not prolong the others.
            let known = item.find::<i64>(EXPIRES)?;
            let is_longer = known.is_some() && known < expires;
            if known != expires && !(keeps && (is_longer || expires.is_none())) {
                match self.expire_config(pk, item.text(SK)?, expires).await? {
                    Written::Done | Written::Unmet(_) => {}
                }
            }
        }
        Ok(())
    }
}
