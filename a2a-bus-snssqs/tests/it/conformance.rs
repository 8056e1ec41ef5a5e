//! The contract of an event bus, sentence by sentence, on a real endpoint.

use std::sync::Arc;

use a2a_core::EventBus;
use a2a_testkit::{BusFixture, Fixture, async_trait};
use tokio::sync::Mutex;

use crate::common::Site;

struct OneProcess {
    site: Site,
    open: Mutex<Vec<Arc<dyn EventBus>>>,
}

#[async_trait]
impl Fixture for OneProcess {
    async fn open() -> Option<Self> {
        Some(OneProcess { site: Site::open().await?, open: Mutex::default() })
    }

    async fn close(&self) {
        for bus in self.open.lock().await.drain(..) {
            bus.close().await.unwrap();
        }
        self.site.assert_nothing_is_left().await;
    }
}

#[async_trait]
impl BusFixture for OneProcess {
    async fn endpoint(&self) -> Arc<dyn EventBus> {
        let bus: Arc<dyn EventBus> = Arc::new(self.site.bus().await);
        self.open.lock().await.push(Arc::clone(&bus));
        bus
    }

    /// Longer than an emulator takes to wake a long poll.
    fn silence(&self) -> std::time::Duration {
        std::time::Duration::from_millis(400)
    }

    fn flood(&self) -> usize {
        2_000
    }
}

a2a_testkit::event_bus_suite!(OneProcess);
