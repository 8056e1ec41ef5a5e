//! A flaw alters single calls of the reference bus; all others stay right.

use std::fmt;

use a2a_core::{BusMessage, Delivery, EventBus, InstanceId, Result};
use a2a_testkit::async_trait;

use crate::reference::ReferenceBus;

/// What one broken bus does otherwise.
#[async_trait]
pub(crate) trait BusFlaw: Send + Sync + 'static {
    async fn send(&self, right: &ReferenceBus, to: &[InstanceId], message: &BusMessage) -> Result<Delivery> {
        right.send(to, message).await
    }
    async fn receive(&self, right: &ReferenceBus) -> Result<Vec<BusMessage>> {
        right.receive().await
    }
    async fn close(&self, right: &ReferenceBus) -> Result<()> {
        right.close().await
    }
}

/// The reference bus with a flaw.
pub(crate) struct FlawedBus<F> {
    pub(crate) right: ReferenceBus,
    pub(crate) flaw: F,
}

impl<F> fmt::Debug for FlawedBus<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlawedBus")
    }
}

#[async_trait]
impl<F: BusFlaw> EventBus for FlawedBus<F> {
    fn me(&self) -> InstanceId {
        self.right.me()
    }
    async fn send(&self, to: &[InstanceId], message: &BusMessage) -> Result<Delivery> {
        self.flaw.send(&self.right, to, message).await
    }
    async fn receive(&self) -> Result<Vec<BusMessage>> {
        self.flaw.receive(&self.right).await
    }
    async fn close(&self) -> Result<()> {
        self.flaw.close(&self.right).await
    }
}
