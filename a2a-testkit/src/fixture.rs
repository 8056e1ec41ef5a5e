//! What a backend's author gives to the suites: fresh locations, handles on them, and their clean-up.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::{EventBus, Reach, Store};
use async_trait::async_trait;

/// A place where one test has a backend for itself.
#[async_trait]
pub trait Fixture: Send + Sync + 'static {
    /// Makes a fresh, empty location that no other test sees: a table, a hub, a prefix.
    ///
    /// Returns `None` where a service that it needs is missing and the test shall be skipped; says so on
    /// stderr. Panics where that is not acceptable, as on CI.
    async fn open() -> Option<Self>
    where
        Self: Sized;

    /// Removes the location and all in it. Called once, also after a test that panicked.
    async fn close(&self);

    /// How long to wait for what must happen but may lag: a list, an index, a delivery, a wake-up.
    ///
    /// A backend that keeps its promise at once never waits that long.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }
}

/// A location of a store.
#[async_trait]
pub trait StoreFixture: Fixture {
    /// Opens one more handle on the location, independent of the others as that of another process would
    /// be: its own client and caches, where there are any.
    async fn handle(&self) -> Arc<dyn Store>;

    /// Opens a handle whose every call fails (a wrong address, a missing table), where the backend can fail
    /// at all. The suite reads its errors for leaked content.
    async fn failing_handle(&self) -> Option<Arc<dyn Store>> {
        None
    }

    /// Opens a handle on a location that was never set up, where the backend has to be set up at all.
    async fn unprepared_handle(&self) -> Option<Arc<dyn Store>> {
        None
    }
}

/// A location of a bus.
#[async_trait]
pub trait BusFixture: Fixture {
    /// Opens one more handle on the bus, independent of the others as that of another process would be. The suites
    /// connect new instances to it.
    async fn bus(&self) -> Arc<dyn EventBus>;

    /// How endpoints of this bus are reached at best, sooner or later after they were connected.
    fn reach(&self) -> Reach {
        Reach::Direct
    }

    /// How long it must stay quiet until nothing more is to be expected.
    fn silence(&self) -> Duration {
        Duration::from_millis(100)
    }

    /// How many messages are sent to an endpoint that reads none. Less where each costs time or money.
    fn flood(&self) -> usize {
        10_000
    }

    /// The most messages that wait at an endpoint, where it is less than [`flood`](BusFixture::flood).
    fn bound(&self) -> Option<usize> {
        None
    }
}
