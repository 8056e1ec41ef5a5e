//! The contract of an event bus once more, with every second handle in a process of its own.
//!
//! The child is this very binary. It opens a bus and then does, line by line, what it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a_core::{EventBus, Reach};
use a2a_testkit::{BusFixture, Fixture, async_trait};

use crate::common::Site;
use crate::common::remote::{self, RemoteBus};

struct TwoProcesses {
    site: Site,
    other: Arc<RemoteBus>,
    handles: AtomicUsize,
}

#[async_trait]
impl Fixture for TwoProcesses {
    async fn open() -> Option<Self> {
        let site = Site::open().await?;
        let other = Arc::new(RemoteBus::open(&site).await);
        Some(TwoProcesses { site, other, handles: AtomicUsize::new(0) })
    }

    /// What goes into the poll of an endpoint that was dropped comes again after ten seconds.
    fn patience(&self) -> Duration {
        Duration::from_secs(45)
    }

    async fn close(&self) {
        self.site.clear().await;
    }
}

#[async_trait]
impl BusFixture for TwoProcesses {
    async fn bus(&self) -> Arc<dyn EventBus> {
        match self.handles.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Arc::new(self.site.bus()),
            _ => self.other.clone(),
        }
    }

    fn reach(&self) -> Reach {
        Reach::Topic
    }

    /// Longer than an emulator takes to wake a long poll.
    fn silence(&self) -> Duration {
        Duration::from_millis(400)
    }

    fn flood(&self) -> usize {
        500
    }
}

a2a_testkit::event_bus_suite!(TwoProcesses);

/// Run by [`RemoteBus`] in a process of its own; does nothing otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn serves_a_bus_when_started_by_another_process() {
    remote::serve().await;
}
