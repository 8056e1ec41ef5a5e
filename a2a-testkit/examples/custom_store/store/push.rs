//! The webhooks of tasks, and the deliveries that were given up.

use a2a_core::{
    GivenUpCursor, GivenUpDelivery, PushConfigs, PushDelivery, PushProgress, PushSubscription, Result,
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

    async fn begin_delivery(&self, key: &TaskKey, delivery: &PushDelivery) -> Result<Option<PushProgress>> {
        let mut state = self.state();
        Ok(state.its_config(key, delivery).map(|webhook| {
            webhook.delivery = Some(delivery.id);
            webhook.progress
        }))
    }

    async fn acknowledge(
        &self,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        let mut state = self.state();
        let Some(webhook) = state.its_config(key, delivery) else { return Ok(false) };
        let counts = webhook.delivery.is_none_or(|known| known == delivery.id);
        if counts && progress > webhook.progress {
            (webhook.delivery, webhook.progress) = (Some(delivery.id), progress);
        }
        Ok(counts)
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
