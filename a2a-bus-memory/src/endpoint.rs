//! One instance's end of the bus.

use std::fmt;
use std::sync::Arc;

use a2a_core::{BackendError, BusMessage, Delivery, Endpoint, InstanceId, Reach, Recipient, Result};
use async_trait::async_trait;

use crate::queue::Queue;
use crate::queues::Queues;

/// The endpoint of one instance, opened with [`MemoryBus::endpoint`](crate::MemoryBus::endpoint) or `connect`.
///
/// Dropping it closes it.
pub struct MemoryEndpoint {
    me: InstanceId,
    queues: Arc<Queues>,
    queue: Arc<Queue>,
}

impl MemoryEndpoint {
    pub(crate) fn new(me: InstanceId, queues: Arc<Queues>, queue: Arc<Queue>) -> Self {
        MemoryEndpoint { me, queues, queue }
    }

    /// Returns how many messages to this endpoint were dropped because it did not read them in time.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    fn shut(&self) {
        self.queue.close();
        self.queues.forget(self.me, &self.queue);
    }
}

#[async_trait]
impl Endpoint for MemoryEndpoint {
    fn me(&self) -> InstanceId {
        self.me
    }

    fn reach(&self) -> Reach {
        Reach::Direct
    }

    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        if self.queue.is_closed() {
            return Err(BackendError::Closed);
        }
        let mut delivery = Delivery::default();
        if to.is_empty() {
            return Ok(delivery);
        }
        let message = Arc::new(message.clone());
        for (id, queue) in self.queues.find(to) {
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

impl Drop for MemoryEndpoint {
    fn drop(&mut self) {
        self.shut();
    }
}

impl fmt::Debug for MemoryEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryEndpoint").field("me", &self.me).finish_non_exhaustive()
    }
}
