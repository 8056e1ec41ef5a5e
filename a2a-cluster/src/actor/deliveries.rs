//! What an actor leaves to whoever delivers to webhooks.

use std::sync::Arc;

use a2a::TaskPushNotificationConfig;
use a2a_core::{TaskKey, Version};
use async_trait::async_trait;

/// Delivers a task's events to its webhooks; the rest of the instance provides it.
#[async_trait]
pub(crate) trait Deliveries: Send + Sync + 'static {
    /// Sees to it that somebody attends to the webhooks of a task.
    fn attend(self: Arc<Self>, key: &TaskKey);

    /// Saves the config of a message whose turn is claimed, before its agent starts. It wants what comes after
    /// `version`.
    async fn save(self: Arc<Self>, key: &TaskKey, version: Version, config: TaskPushNotificationConfig);
}
