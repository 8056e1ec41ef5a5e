//! The push configs of a faulty store.

use a2a_core::{PushConfigs, PushSubscription, Result, TaskKey, Version};
use async_trait::async_trait;

use super::FaultyStore;

#[async_trait]
impl PushConfigs for FaultyStore {
    async fn save_config(&self, key: &TaskKey, subscription: &PushSubscription) -> Result<()> {
        self.write(self.inner.save_config(key, subscription)).await
    }

    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>> {
        self.read(self.inner.get_config(key, id)).await
    }

    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        self.read(self.inner.list_configs(key)).await
    }

    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()> {
        self.write(self.inner.remove_config(key, id)).await
    }

    async fn acknowledge(&self, key: &TaskKey, id: &str, version: Version) -> Result<()> {
        self.write(self.inner.acknowledge(key, id, version)).await
    }
}
