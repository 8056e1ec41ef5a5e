//! A bus that a test listens in on.

use std::fmt::Debug;
use std::sync::Arc;

use a2a_core::wire::Seal;
use a2a_core::{BusMessage, Delivery, Endpoint, EventBus, InstanceId, Reach, Recipient, Result};
use async_trait::async_trait;

/// What a test has happen at the calls of a bus. Nothing, where it says nothing.
#[async_trait]
pub(crate) trait Tap: Debug + Send + Sync + 'static {
    /// Comes before an instance is connected.
    async fn before_connect(&self) {}

    /// Comes before a message is sent.
    async fn before_send(&self, _to: &[Recipient], _message: &BusMessage) {}

    /// Receives messages.
    async fn receive(&self, from: &dyn Endpoint) -> Result<Vec<BusMessage>> {
        from.receive().await
    }
}

/// Has a tap at each call of a bus, and of its endpoints.
pub(crate) fn tapped(bus: Arc<dyn EventBus>, tap: &Arc<impl Tap>) -> Arc<dyn EventBus> {
    Arc::new(Tapped { inner: bus, tap: Arc::clone(tap) })
}

/// A bus, or one endpoint of it.
#[derive(Debug)]
struct Tapped<T: ?Sized, U> {
    tap: Arc<U>,
    inner: Arc<T>,
}

#[async_trait]
impl<T: Tap> EventBus for Tapped<dyn EventBus, T> {
    async fn connect(&self, me: &InstanceId, seal: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        self.tap.before_connect().await;
        let inner = self.inner.connect(me, seal).await?;
        Ok(Arc::new(Tapped { inner, tap: Arc::clone(&self.tap) }))
    }

    async fn release(&self, gone: &InstanceId) -> Result<()> {
        self.inner.release(gone).await
    }
}

#[async_trait]
impl<T: Tap> Endpoint for Tapped<dyn Endpoint, T> {
    fn me(&self) -> InstanceId {
        self.inner.me()
    }

    fn reach(&self) -> Reach {
        self.inner.reach()
    }

    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        self.tap.before_send(to, message).await;
        self.inner.send(to, message).await
    }

    async fn receive(&self) -> Result<Vec<BusMessage>> {
        self.tap.receive(&*self.inner).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}
