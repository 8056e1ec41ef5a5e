//! The contract of push configs, on a shared location.

use a2a_core::{
    BackendError, ConfigRevision, GivenUpCursor, GivenUpDelivery, PushConfigs, PushProgress,
    PushSubscription, Result, TaskKey,
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

    async fn acknowledge(
        &self,
        key: &TaskKey,
        id: &str,
        revision: ConfigRevision,
        progress: PushProgress,
    ) -> Result<()> {
        consume_budget().await;
        let mut shard = self.location.shards.lock(key);
        let saved = shard.webhooks.get_mut(key).and_then(|configs| configs.get_mut(id));
        if let Some(subscription) = saved.filter(|saved| saved.revision == revision) {
            subscription.progress = subscription.progress.max(progress);
        }
        Ok(())
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
