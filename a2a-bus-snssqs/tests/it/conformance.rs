//! The contract of an event bus, sentence by sentence, on a real endpoint.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::{EventBus, Reach};
use a2a_testkit::{BusFixture, Fixture, async_trait};

use crate::common::Site;

struct OneProcess(Site);

#[async_trait]
impl Fixture for OneProcess {
    async fn open() -> Option<Self> {
        Some(OneProcess(Site::open().await?))
    }

    /// What goes into the poll of an endpoint that was dropped comes again after ten seconds.
    fn patience(&self) -> Duration {
        Duration::from_secs(45)
    }

    async fn close(&self) {
        self.0.clear().await;
    }
}

#[async_trait]
impl BusFixture for OneProcess {
    async fn bus(&self) -> Arc<dyn EventBus> {
        Arc::new(self.0.bus())
    }

    fn reach(&self) -> Reach {
        Reach::Topic
    }

    /// Longer than an emulator takes to wake a long poll.
    fn silence(&self) -> Duration {
        Duration::from_millis(400)
    }

    fn flood(&self) -> usize {
        2_000
    }
}

a2a_testkit::event_bus_suite!(OneProcess);
