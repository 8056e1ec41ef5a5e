//! The push configs of a faulty store.

use a2a_core::{
    GivenUpCursor, GivenUpDelivery, PushConfigs, PushDelivery, PushProgress, PushSubscription, Result,
    TaskKey,
};
use async_trait::async_trait;

use super::FaultyStore;

#[async_trait]
impl PushConfigs for FaultyStore {
    async fn save_config(&self, key: &TaskKey, subscription: &PushSubscription) -> Result<()> {
        let (beyond, key, subscription) = (self.beyond(), key.clone(), subscription.clone());
        self.write(async move { beyond.inner.save_config(&key, &subscription).await }).await
    }

    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>> {
        self.read_of(key, self.inner.get_config(key, id)).await
    }

    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        self.read_of(key, self.inner.list_configs(key)).await
    }

    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()> {
        let (beyond, key, id) = (self.beyond(), key.clone(), id.to_owned());
        self.write(async move { beyond.inner.remove_config(&key, &id).await }).await
    }

    async fn begin_delivery(&self, key: &TaskKey, delivery: &PushDelivery) -> Result<Option<PushProgress>> {
        let (beyond, key, delivery) = (self.beyond(), key.clone(), delivery.clone());
        self.write(async move { beyond.inner.begin_delivery(&key, &delivery).await }).await
    }

    async fn acknowledge(
        &self,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        let (beyond, key, delivery) = (self.beyond(), key.clone(), delivery.clone());
        self.write(async move { beyond.inner.acknowledge(&key, &delivery, progress).await }).await
    }

    async fn give_up(&self, delivery: &GivenUpDelivery) -> Result<()> {
        let (beyond, delivery) = (self.beyond(), delivery.clone());
        self.write(async move { beyond.inner.give_up(&delivery).await }).await
    }

    async fn given_up(&self, after: Option<&GivenUpCursor>, limit: usize) -> Result<Vec<GivenUpDelivery>> {
        self.read(self.inner.given_up(after, limit)).await
    }

    async fn forget_given_up(&self, key: &TaskKey, config_id: &str) -> Result<()> {
        let (beyond, key, config_id) = (self.beyond(), key.clone(), config_id.to_owned());
        self.write(async move { beyond.inner.forget_given_up(&key, &config_id).await }).await
    }
}
