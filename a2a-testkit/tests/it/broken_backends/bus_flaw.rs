//! A flaw alters single calls of the reference bus and its endpoints; all others stay right.

use std::fmt;
use std::sync::Arc;

use a2a_core::wire::Seal;
use a2a_core::{BusMessage, Delivery, Endpoint, EventBus, InstanceId, Reach, Recipient, Result};
use a2a_testkit::async_trait;

use crate::reference::{ReferenceBus, ReferenceEndpoint};

/// What one broken bus does otherwise.
#[async_trait]
pub(crate) trait BusFlaw: Clone + Send + Sync + 'static {
    async fn connect(&self, right: &ReferenceBus, me: &InstanceId) -> Result<ReferenceEndpoint> {
        Ok(right.endpoint(*me))
    }
    async fn release(&self, right: &ReferenceBus, gone: &InstanceId) -> Result<()> {
        right.release(gone).await
    }
    fn reach(&self, right: &ReferenceEndpoint) -> Reach {
        right.reach()
    }
    async fn send(
        &self,
        right: &ReferenceEndpoint,
        to: &[Recipient],
        message: &BusMessage,
    ) -> Result<Delivery> {
        right.send(to, message).await
    }
    async fn receive(&self, right: &ReferenceEndpoint) -> Result<Vec<BusMessage>> {
        right.receive().await
    }
    async fn close(&self, right: &ReferenceEndpoint) -> Result<()> {
        right.close().await
    }
}

/// The reference bus with a flaw.
pub(crate) struct FlawedBus<F> {
    pub(crate) right: ReferenceBus,
    pub(crate) flaw: F,
}

/// An endpoint of it.
struct FlawedEndpoint<F> {
    right: ReferenceEndpoint,
    flaw: F,
}

impl<F> fmt::Debug for FlawedBus<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlawedBus")
    }
}

impl<F> fmt::Debug for FlawedEndpoint<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlawedEndpoint")
    }
}

#[async_trait]
impl<F: BusFlaw> EventBus for FlawedBus<F> {
    async fn connect(&self, me: &InstanceId, _: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        let right = self.flaw.connect(&self.right, me).await?;
        Ok(Arc::new(FlawedEndpoint { right, flaw: self.flaw.clone() }))
    }
    async fn release(&self, gone: &InstanceId) -> Result<()> {
        self.flaw.release(&self.right, gone).await
    }
}

#[async_trait]
impl<F: BusFlaw> Endpoint for FlawedEndpoint<F> {
    fn me(&self) -> InstanceId {
        self.right.me()
    }
    fn reach(&self) -> Reach {
        self.flaw.reach(&self.right)
    }
    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        self.flaw.send(&self.right, to, message).await
    }
    async fn receive(&self) -> Result<Vec<BusMessage>> {
        self.flaw.receive(&self.right).await
    }
    async fn close(&self) -> Result<()> {
        self.flaw.close(&self.right).await
    }
}
