//! The in-memory bus behind a counter, polled as SQS is, for one instance that may die.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use a2a_bus_memory::MemoryBus;
use a2a_core::wire::{self, Seal};
use a2a_core::{BusMessage, Delivery, Endpoint, EventBus, InstanceId, Reach, Recipient, Result};
use async_trait::async_trait;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::counters::Counters;

/// What a message takes on its way.
const SEND: Duration = Duration::from_millis(8);
/// How long a poll of a queue waits.
const POLL: Duration = Duration::from_secs(20);

/// A bus whose calls are counted.
#[derive(Debug, Clone)]
pub(super) struct CountedBus {
    pub(super) bus: MemoryBus,
    pub(super) counters: Counters,
    /// From then on its instance is dead: no call of it ends.
    pub(super) dead: CancellationToken,
}

#[derive(Debug)]
struct CountedEndpoint {
    endpoint: Arc<dyn Endpoint>,
    seal: Arc<Seal>,
    counted: CountedBus,
}

impl CountedBus {
    async fn alive(&self) {
        if self.dead.is_cancelled() {
            pending().await
        }
    }
}

#[async_trait]
impl EventBus for CountedBus {
    async fn connect(&self, me: &InstanceId, seal: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        self.alive().await;
        let endpoint = self.bus.connect(me, seal).await?;
        Ok(Arc::new(CountedEndpoint { endpoint, seal: Arc::clone(seal), counted: self.clone() }))
    }

    async fn release(&self, gone: &InstanceId) -> Result<()> {
        self.alive().await;
        self.bus.release(gone).await
    }
}

#[async_trait]
impl Endpoint for CountedEndpoint {
    fn me(&self) -> InstanceId {
        self.endpoint.me()
    }

    fn reach(&self) -> Reach {
        self.endpoint.reach()
    }

    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        self.counted.alive().await;
        // What everybody receives, without the list of all who do.
        let one: Vec<_> = to.iter().take(1).map(|to| to.instance).collect();
        let bytes = wire::encode(&one, message, &self.seal).len();
        self.counted.counters.sent(to.len(), bytes);
        sleep(SEND).await;
        self.endpoint.send(to, message).await
    }

    async fn receive(&self) -> Result<Vec<BusMessage>> {
        loop {
            self.counted.alive().await;
            self.counted.counters.polled();
            if let Ok(received) = timeout(POLL, self.endpoint.receive()).await {
                return received;
            }
        }
    }

    async fn close(&self) -> Result<()> {
        self.endpoint.close().await
    }
}
