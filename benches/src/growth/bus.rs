//! The in-memory bus behind a counter, polled as SQS is, for one instance that may die.

use std::future::pending;
use std::time::Duration;

use a2a_bus_memory::MemoryBus;
use a2a_core::{BusMessage, Delivery, EventBus, InstanceId, Result, wire};
use async_trait::async_trait;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::tally::Tally;

/// What a message takes on its way.
const SEND: Duration = Duration::from_millis(8);
/// How long a poll of a queue waits.
const POLL: Duration = Duration::from_secs(20);

/// A bus whose calls are counted.
#[derive(Debug)]
pub(super) struct CountedBus {
    pub(super) bus: MemoryBus,
    pub(super) tally: Tally,
    /// From then on its instance is dead: no call of it ends.
    pub(super) dead: CancellationToken,
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
    fn me(&self) -> InstanceId {
        self.bus.me()
    }

    async fn send(&self, to: &[InstanceId], message: &BusMessage) -> Result<Delivery> {
        self.alive().await;
        // What everybody receives, without the list of all who do.
        let bytes = wire::encode(to.get(..1).unwrap_or_default(), message).len();
        self.tally.sent(to.len(), bytes);
        sleep(SEND).await;
        self.bus.send(to, message).await
    }

    async fn receive(&self) -> Result<Vec<BusMessage>> {
        loop {
            self.alive().await;
            self.tally.polled();
            if let Ok(received) = timeout(POLL, self.bus.receive()).await {
                return received;
            }
        }
    }

    async fn close(&self) -> Result<()> {
        self.bus.close().await
    }
}
