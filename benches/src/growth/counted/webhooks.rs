//! Counted calls about webhooks.

use a2a_core::{PushConfigs, PushSubscription, Result, TaskKey, Version};
use async_trait::async_trait;

use super::Counted;

#[async_trait]
impl PushConfigs for Counted {
    async fn save_config(&self, key: &TaskKey, subscription: &PushSubscription) -> Result<()> {
        self.alive().await;
        self.tally.write("save_config", 1.0);
        self.store.save_config(key, subscription).await
    }

    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>> {
        self.alive().await;
        self.tally.read("get_config", 1.0);
        self.store.get_config(key, id).await
    }

    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        self.alive().await;
        self.tally.read("list_configs", 1.0);
        self.store.list_configs(key).await
    }

    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()> {
        self.alive().await;
        self.tally.write("remove_config", 1.0);
        self.store.remove_config(key, id).await
    }

    async fn acknowledge(&self, key: &TaskKey, id: &str, version: Version) -> Result<()> {
        self.alive().await;
        self.tally.write("acknowledge", 1.0);
        self.store.acknowledge(key, id, version).await
    }
}
