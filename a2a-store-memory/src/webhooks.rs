//! The contract of push configs, on a shared location.

use std::collections::BTreeMap;

use a2a_core::{
    BackendError, GivenUpCursor, GivenUpDelivery, PushConfigs, PushDelivery, PushProgress, PushSubscription,
    Result, TaskKey,
};
use async_trait::async_trait;
use tokio::task::consume_budget;

use crate::MemoryStore;
use crate::shards::lock;

#[async_trait]
impl PushConfigs for MemoryStore {
    async fn save_config(&self, key: &TaskKey, subscription: &PushSubscription) -> Result<()> {
        consume_budget().await;
        let Some(id) = subscription.config.id.clone() else {
            return Err(BackendError::rejected("a push config must have an id"));
        };
        let mut shard = self.location.shards.lock(key);
        shard.webhooks.entry(key.clone()).or_default().insert(id, subscription.clone());
        Ok(())
    }

    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>> {
        consume_budget().await;
        let shard = self.location.shards.lock(key);
        Ok(shard.webhooks.get(key).and_then(|configs| configs.get(id)).cloned())
    }

    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        consume_budget().await;
        let shard = self.location.shards.lock(key);
        Ok(shard.webhooks.get(key).into_iter().flat_map(|configs| configs.values()).cloned().collect())
    }

    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()> {
        consume_budget().await;
        let mut shard = self.location.shards.lock(key);
        if let Some(configs) = shard.webhooks.get_mut(key) {
            configs.remove(id);
            if configs.is_empty() {
                shard.webhooks.remove(key);
            }
        }
        Ok(())
    }

    async fn begin_delivery(&self, key: &TaskKey, delivery: &PushDelivery) -> Result<Option<PushProgress>> {
        consume_budget().await;
        let mut shard = self.location.shards.lock(key);
        let saved = shard.webhooks.get_mut(key).and_then(|configs| its_config(configs, delivery));
        Ok(saved.map(|saved| {
            saved.delivery = Some(delivery.id);
            saved.progress
        }))
    }

    async fn acknowledge(
        &self,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        consume_budget().await;
        let mut shard = self.location.shards.lock(key);
        let Some(saved) = shard.webhooks.get_mut(key).and_then(|configs| its_config(configs, delivery))
        else {
            return Ok(false);
        };
        let counts = saved.delivery.is_none_or(|known| known == delivery.id);
        if counts && progress > saved.progress {
            (saved.delivery, saved.progress) = (Some(delivery.id), progress);
        }
        Ok(counts)
    }

    async fn give_up(&self, delivery: &GivenUpDelivery) -> Result<()> {
        consume_budget().await;
        let limit = self.location.config.given_up;
        lock(&self.location.given_up).add(delivery.clone(), limit);
        Ok(())
    }

    async fn given_up(&self, after: Option<&GivenUpCursor>, limit: usize) -> Result<Vec<GivenUpDelivery>> {
        consume_budget().await;
        Ok(lock(&self.location.given_up).page(after, limit))
    }

    async fn forget_given_up(&self, key: &TaskKey, config_id: &str) -> Result<()> {
        consume_budget().await;
        lock(&self.location.given_up).forget(&(key.clone(), config_id.to_owned()));
        Ok(())
    }
}

/// The config that a delivery is for, if it is still that one.
fn its_config<'a>(
    configs: &'a mut BTreeMap<String, PushSubscription>,
    delivery: &PushDelivery,
) -> Option<&'a mut PushSubscription> {
    configs.get_mut(&delivery.config_id).filter(|saved| saved.revision == delivery.revision)
}
