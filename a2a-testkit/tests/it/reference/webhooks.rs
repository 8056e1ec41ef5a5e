//! The push configs of the reference store.

use a2a_core::{PushConfigs, PushSubscription, Result, TaskKey, Version};
use async_trait::async_trait;

use super::Reference;

#[async_trait]
impl PushConfigs for Reference {
    async fn save_config(&self, key: &TaskKey, subscription: &PushSubscription) -> Result<()> {
        let id = subscription.config.id.clone().unwrap_or_default();
        if let Some(entry) = self.state().tasks.get_mut(key) {
            entry.webhooks.insert(id, subscription.clone());
        }
        Ok(())
    }

    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>> {
        Ok(self.state().tasks.get(key).and_then(|entry| entry.webhooks.get(id).cloned()))
    }

    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        let state = self.state();
        Ok(state.tasks.get(key).into_iter().flat_map(|entry| entry.webhooks.values().cloned()).collect())
    }

    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()> {
        if let Some(entry) = self.state().tasks.get_mut(key) {
            entry.webhooks.remove(id);
        }
        Ok(())
    }

    async fn acknowledge(&self, key: &TaskKey, id: &str, version: Version) -> Result<()> {
        if let Some(webhook) = self.state().tasks.get_mut(key).and_then(|entry| entry.webhooks.get_mut(id)) {
            webhook.acknowledged = webhook.acknowledged.max(version);
        }
        Ok(())
    }
}
