//! The suites once more, with every second handle in a process of its own, all on one table.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a_core::Store;
use a2a_testkit::{Fixture, StoreFixture, async_trait};

use crate::place::Place;
use crate::place::remote::{self, RemoteStore};

struct TwoProcesses {
    place: Place,
    opened: AtomicUsize,
}

#[async_trait]
impl Fixture for TwoProcesses {
    /// A list that lags by two seconds is read page by page, each from many ranges.
    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn open() -> Option<Self> {
        Some(TwoProcesses { place: Place::new().await, opened: AtomicUsize::new(0) })
    }

    async fn close(&self) {
        self.place.close().await;
    }
}

#[async_trait]
impl StoreFixture for TwoProcesses {
    async fn handle(&self) -> Arc<dyn Store> {
        match self.opened.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => self.place.handle().await,
            _ => Arc::new(RemoteStore::start(&self.place.setup(None)).await),
        }
    }
}

a2a_testkit::task_store_suite!(TwoProcesses);
a2a_testkit::membership_suite!(TwoProcesses);
a2a_testkit::push_configs_suite!(TwoProcesses);
a2a_testkit::deployment_suite!(TwoProcesses);

/// Run by [`RemoteStore`] in a process of its own; does nothing otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn serves_a_store_when_started_by_another_process() {
    remote::serve().await;
}
