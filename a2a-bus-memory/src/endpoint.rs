//! One instance's end of the bus.

use std::fmt;
use std::sync::Arc;

use a2a_core::{BackendError, BusMessage, Delivery, EventBus, InstanceId, Result};
use async_trait::async_trait;

use crate::MemoryHub;
use crate::queue::Queue;

/// The endpoint of one instance, opened with [`MemoryHub::endpoint`].
///
/// Dropping it closes it.
pub struct MemoryBus {
    me: InstanceId,
    hub: MemoryHub,
    queue: Arc<Queue>,
}

impl MemoryBus {
    /// Makes a world without endpoints, with the default bounds.
    pub fn hub() -> MemoryHub {
        MemoryHub::default()
    }

    pub(crate) fn new(me: InstanceId, hub: MemoryHub, queue: Arc<Queue>) -> Self {
        MemoryBus { me, hub, queue }
    }

    /// Returns how many messages to this endpoint were dropped because it did not read them in time.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    fn shut(&self) {
        self.queue.close();
        self.hub.forget(self.me, &self.queue);
    }
}

#[async_trait]
impl EventBus for MemoryBus {
    fn me(&self) -> InstanceId {
        self.me
    }

    async fn send(&self, to: &[InstanceId], message: &BusMessage) -> Result<Delivery> {
        if self.queue.is_closed() {
            return Err(BackendError::Closed);
        }
        let mut delivery = Delivery::default();
        if to.is_empty() {
            return Ok(delivery);
        }
        let message = Arc::new(message.clone());
        for (id, queue) in self.hub.find(to) {
            if !queue.is_some_and(|queue| queue.push(Arc::clone(&message))) {
                delivery.gone.push(id);
            }
        }
        Ok(delivery)
    }

    async fn receive(&self) -> Result<Vec<BusMessage>> {
        self.queue.pop().await
    }

    async fn close(&self) -> Result<()> {
        self.shut();
        Ok(())
    }
}

impl Drop for MemoryBus {
    fn drop(&mut self) {
        self.shut();
    }
}

impl fmt::Debug for MemoryBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBus").field("me", &self.me).finish_non_exhaustive()
    }
}
