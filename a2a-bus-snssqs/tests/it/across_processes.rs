//! The contract of an event bus once more, with every second endpoint in a process of its own.
//!
//! The child is this very binary. It opens an endpoint and then does, line by line, what it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use a2a_core::EventBus;
use a2a_testkit::{BusFixture, Fixture, async_trait};
use tokio::sync::Mutex;

use crate::common::Site;
use crate::common::remote::{self, RemoteBus};

struct TwoProcesses {
    site: Site,
    open: Mutex<Vec<Arc<dyn EventBus>>>,
    opened: AtomicUsize,
}

#[async_trait]
impl Fixture for TwoProcesses {
    async fn open() -> Option<Self> {
        let site = Site::open().await?;
        Some(TwoProcesses { site, open: Mutex::default(), opened: AtomicUsize::new(0) })
    }

    async fn close(&self) {
        for bus in self.open.lock().await.drain(..) {
            bus.close().await.unwrap();
        }
        self.site.assert_nothing_is_left().await;
    }
}

#[async_trait]
impl BusFixture for TwoProcesses {
    async fn endpoint(&self) -> Arc<dyn EventBus> {
        let bus: Arc<dyn EventBus> = match self.opened.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Arc::new(self.site.bus().await),
            _ => Arc::new(RemoteBus::open(&self.site).await),
        };
        self.open.lock().await.push(Arc::clone(&bus));
        bus
    }

    /// Longer than an emulator takes to wake a long poll.
    fn silence(&self) -> std::time::Duration {
        std::time::Duration::from_millis(400)
    }

    fn flood(&self) -> usize {
        500
    }
}

a2a_testkit::event_bus_suite!(TwoProcesses);

/// Run by [`RemoteBus`] in a process of its own; does nothing otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn serves_an_endpoint_when_started_by_another_process() {
    remote::serve().await;
}
