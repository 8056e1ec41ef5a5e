//! The contract of an event bus, sentence by sentence.

use std::sync::Arc;

use a2a_bus_memory::{Config, MemoryBus, MemoryHub};
use a2a_core::{EventBus, InstanceId, SystemAmbient};
use a2a_testkit::{BusFixture, Fixture, async_trait};

const QUEUE: usize = 1000;

struct Hub(MemoryHub);

#[async_trait]
impl Fixture for Hub {
    async fn open() -> Option<Self> {
        Some(Hub(MemoryHub::with_config(Config::default().queue_messages(QUEUE))))
    }

    async fn close(&self) {}
}

#[async_trait]
impl BusFixture for Hub {
    async fn endpoint(&self) -> Arc<dyn EventBus> {
        let bus: MemoryBus = self.0.endpoint(InstanceId::generate(&SystemAmbient));
        Arc::new(bus)
    }

    fn bound(&self) -> Option<usize> {
        Some(QUEUE)
    }
}

a2a_testkit::event_bus_suite!(Hub);
