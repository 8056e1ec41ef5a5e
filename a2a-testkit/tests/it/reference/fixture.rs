//! Fixtures over the reference backends, right or altered.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::{EventBus, Reach, Store};
use a2a_testkit::{BusFixture, Fixture, StoreFixture, async_trait};

use super::bus::BOUND;
use super::{Reference, ReferenceBus};

/// How long a broken backend gets for what will never happen.
const SOON: Duration = Duration::from_millis(400);

/// How long a right one gets on a busy machine.
const LATE: Duration = Duration::from_secs(10);

/// A location of stores, each handle altered in the same way.
pub(crate) struct Location {
    reference: Reference,
    patience: Duration,
    alter: Box<dyn Fn(Reference) -> Arc<dyn Store> + Send + Sync>,
}

impl Location {
    /// Makes a location whose handles are made by `alter`.
    pub(crate) fn altered(alter: impl Fn(Reference) -> Arc<dyn Store> + Send + Sync + 'static) -> Self {
        let reference = Reference::default();
        reference.set_up();
        Location { reference, patience: SOON, alter: Box::new(alter) }
    }

    /// Opens a handle that is not altered.
    pub(crate) fn reference(&self) -> Reference {
        self.reference.clone()
    }
}

#[async_trait]
impl Fixture for Location {
    async fn open() -> Option<Self> {
        let right = Location::altered(|reference| Arc::new(reference));
        Some(Location { patience: LATE, ..right })
    }

    async fn close(&self) {}

    fn patience(&self) -> Duration {
        self.patience
    }
}

#[async_trait]
impl StoreFixture for Location {
    async fn handle(&self) -> Arc<dyn Store> {
        (self.alter)(self.reference.clone())
    }

    async fn unprepared_handle(&self) -> Option<Arc<dyn Store>> {
        Some((self.alter)(Reference::default()))
    }

    async fn failing_handle(&self) -> Option<Arc<dyn Store>> {
        let weather = a2a_testkit::Weather::calm();
        weather.change(|forecast| (forecast.write_refused, forecast.read_failed) = (1.0, 1.0));
        Some(Arc::new(a2a_testkit::FaultyStore::new(self.handle().await, weather, 0)))
    }
}

/// A bus, each handle altered in the same way.
pub(crate) struct Meeting {
    bus: ReferenceBus,
    patience: Duration,
    alter: Box<dyn Fn(ReferenceBus) -> Arc<dyn EventBus> + Send + Sync>,
}

impl Meeting {
    /// Makes a bus whose handles are made by `alter`.
    pub(crate) fn altered(alter: impl Fn(ReferenceBus) -> Arc<dyn EventBus> + Send + Sync + 'static) -> Self {
        Meeting { bus: ReferenceBus::default(), patience: SOON, alter: Box::new(alter) }
    }
}

#[async_trait]
impl Fixture for Meeting {
    async fn open() -> Option<Self> {
        let right = Meeting::altered(|bus| Arc::new(bus));
        Some(Meeting { patience: LATE, ..right })
    }

    async fn close(&self) {}

    fn patience(&self) -> Duration {
        self.patience
    }
}

#[async_trait]
impl BusFixture for Meeting {
    async fn bus(&self) -> Arc<dyn EventBus> {
        (self.alter)(self.bus.clone())
    }

    fn reach(&self) -> Reach {
        Reach::Topic
    }

    fn flood(&self) -> usize {
        2 * BOUND
    }

    fn bound(&self) -> Option<usize> {
        Some(BOUND)
    }
}
