//! The contract of an event bus, sentence by sentence.

use std::sync::Arc;

use a2a_bus_memory::{MemoryBus, MemoryBusConfig};
use a2a_core::EventBus;
use a2a_testkit::{BusFixture, Fixture, async_trait};

const QUEUE: usize = 1000;

struct World(MemoryBus);

#[async_trait]
impl Fixture for World {
    async fn open() -> Option<Self> {
        Some(World(MemoryBus::with_config(MemoryBusConfig::default().queue_messages(QUEUE))))
    }

    async fn close(&self) {}
}

#[async_trait]
impl BusFixture for World {
    async fn bus(&self) -> Arc<dyn EventBus> {
        Arc::new(self.0.clone())
    }

    fn bound(&self) -> Option<usize> {
        Some(QUEUE)
    }
}

a2a_testkit::event_bus_suite!(World);
