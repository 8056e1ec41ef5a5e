//! In calm weather, and in weather that only delays, the wrappers keep every promise of what they wrap.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::{EventBus, Reach, Store};
use a2a_testkit::{
    BusFixture, Delay, FaultyBus, FaultyStore, Fixture, Forecast, StoreFixture, Weather, async_trait,
};

use crate::reference::{Location, Meeting};

/// A fixture whose handles and endpoints are wrapped.
struct Wrapped<F> {
    inner: F,
    weather: Weather,
}

fn delays() -> Forecast {
    let delay = Delay::between(Duration::ZERO, Duration::from_micros(300));
    Forecast {
        store_delay: delay,
        index_lag: delay,
        bus_delay: delay,
        connect_delay: delay,
        ..Forecast::calm()
    }
}

#[async_trait]
impl<F: Fixture> Fixture for Wrapped<F> {
    async fn open() -> Option<Self> {
        Some(Wrapped { inner: F::open().await?, weather: Weather::new(delays()) })
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[async_trait]
impl StoreFixture for Wrapped<Location> {
    async fn handle(&self) -> Arc<dyn Store> {
        Arc::new(FaultyStore::new(self.inner.handle().await, self.weather.clone(), 1))
    }
}

#[async_trait]
impl BusFixture for Wrapped<Meeting> {
    async fn bus(&self) -> Arc<dyn EventBus> {
        Arc::new(FaultyBus::new(self.inner.bus().await, self.weather.clone(), 1))
    }

    fn reach(&self) -> Reach {
        self.inner.reach()
    }

    fn flood(&self) -> usize {
        self.inner.flood()
    }
}

a2a_testkit::task_store_suite!(Wrapped<Location>);
a2a_testkit::membership_suite!(Wrapped<Location>);
a2a_testkit::push_configs_suite!(Wrapped<Location>);
a2a_testkit::deployment_suite!(Wrapped<Location>);
a2a_testkit::event_bus_suite!(Wrapped<Meeting>);
