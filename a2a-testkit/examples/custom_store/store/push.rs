//! The webhooks of tasks, and the deliveries that were given up.

use a2a_core::{
    ConfigRevision, GivenUpCursor, GivenUpDelivery, PushConfigs, PushProgress, PushSubscription, Result,
    TaskKey,
};
use a2a_testkit::async_trait;

use super::MapStore;

#[async_trait]
impl PushConfigs for MapStore {
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

    async fn acknowledge(
        &self,
        key: &TaskKey,
        id: &str,
        revision: ConfigRevision,
        progress: PushProgress,
    ) -> Result<()> {
        let mut state = self.state();
        let saved = state.tasks.get_mut(key).and_then(|entry| entry.webhooks.get_mut(id));
        if let Some(webhook) = saved.filter(|saved| saved.revision == revision) {
            webhook.progress = webhook.progress.max(progress);
        }
        Ok(())
    }

    async fn give_up(&self, delivery: &GivenUpDelivery) -> Result<()> {
        let place = (delivery.task.clone(), delivery.config_id.clone());
        self.state().given_up.insert(place, delivery.clone());
        Ok(())
    }

    async fn given_up(&self, after: Option<&GivenUpCursor>, limit: usize) -> Result<Vec<GivenUpDelivery>> {
        let state = self.state();
        let rest = state.given_up.iter().filter(|(place, _)| after.is_none_or(|after| *place > after));
        Ok(rest.take(limit).map(|(_, delivery)| delivery.clone()).collect())
    }

    async fn forget_given_up(&self, key: &TaskKey, config_id: &str) -> Result<()> {
        self.state().given_up.remove(&(key.clone(), config_id.to_owned()));
        Ok(())
    }
}
