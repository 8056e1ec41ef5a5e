//! Suites of the testkit in mild weather, but that of tasks, which takes minutes in it: answers come late, connections
//! break, answers get lost, and now and then the service throttles or fails.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::Store;
use a2a_testkit::{Fixture, StoreFixture, async_trait};
use a2a_testworld::weather::{Spread, Weather, WeatherProxy};

use crate::place::{Place, Setup};

/// A table, and the weather before the server that holds it.
struct InMildWeather {
    place: Place,
    proxy: WeatherProxy,
}

#[async_trait]
impl Fixture for InMildWeather {
    /// A list that lags by two seconds is read page by page, each from many ranges.
    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn open() -> Option<Self> {
        let place = Place::new().await;
        let Some(endpoint) = place.endpoint() else {
            eprintln!("no mild weather: the environment names an endpoint");
            place.close().await;
            return None;
        };
        let proxy = WeatherProxy::before(endpoint, 19).await.unwrap();
        // The contract does not say how late a list may be, nor do its tests keep to a partition's units.
        let mild = Weather { index_lag: None, limits: None, ..Weather::mild() };
        proxy.set(mild.latency(Spread::between(Duration::ZERO, Duration::from_millis(2))));
        Some(InMildWeather { place, proxy })
    }

    async fn close(&self) {
        self.place.close().await;
    }
}

#[async_trait]
impl StoreFixture for InMildWeather {
    async fn handle(&self) -> Arc<dyn Store> {
        Arc::new(Setup::at(&self.proxy.url(), &self.place.table).open().await)
    }

    async fn failing_handle(&self) -> Option<Arc<dyn Store>> {
        self.place.failing_handle().await
    }

    async fn unprepared_handle(&self) -> Option<Arc<dyn Store>> {
        self.place.unprepared_handle().await
    }
}

a2a_testkit::membership_suite!(InMildWeather);
a2a_testkit::push_configs_suite!(InMildWeather);
a2a_testkit::deployment_suite!(InMildWeather);
