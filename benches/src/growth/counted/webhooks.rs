//! Counted calls about webhooks.

use a2a_core::{
    GivenUpCursor, GivenUpDelivery, PushConfigs, PushDelivery, PushProgress, PushSubscription, Result,
    TaskKey,
};
use async_trait::async_trait;

use super::Counted;

#[async_trait]
impl PushConfigs for Counted {
    async fn save_config(&self, key: &TaskKey, subscription: &PushSubscription) -> Result<()> {
        self.alive().await;
        self.counters.write("save_config", 1.0);
        self.store.save_config(key, subscription).await
    }

    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>> {
        self.alive().await;
        self.counters.read("get_config", 1.0);
        self.store.get_config(key, id).await
    }

    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        self.alive().await;
        self.counters.read("list_configs", 1.0);
        self.store.list_configs(key).await
    }

    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()> {
        self.alive().await;
        self.counters.write("remove_config", 1.0);
        self.store.remove_config(key, id).await
    }

    async fn begin_delivery(&self, key: &TaskKey, delivery: &PushDelivery) -> Result<Option<PushProgress>> {
        self.alive().await;
        self.counters.write("begin_delivery", 1.0);
        self.store.begin_delivery(key, delivery).await
    }

    async fn acknowledge(
        &self,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        self.alive().await;
        self.counters.write("acknowledge", 1.0);
        self.store.acknowledge(key, delivery, progress).await
    }

    async fn give_up(&self, delivery: &GivenUpDelivery) -> Result<()> {
        self.alive().await;
        self.counters.write("give_up", 1.0);
        self.store.give_up(delivery).await
    }

    async fn given_up(&self, after: Option<&GivenUpCursor>, limit: usize) -> Result<Vec<GivenUpDelivery>> {
        self.alive().await;
        self.counters.read("given_up", 1.0);
        self.store.given_up(after, limit).await
    }

    async fn forget_given_up(&self, key: &TaskKey, config_id: &str) -> Result<()> {
        self.alive().await;
        self.counters.write("forget_given_up", 1.0);
        self.store.forget_given_up(key, config_id).await
    }
}
