//! Backends whose weather a scenario decides.

use std::sync::Arc;

use a2a_core::EventBus;
use a2a_testkit::{FaultyBus, FaultyStore, Weather};
use async_trait::async_trait;

use super::{Backend, Backends};

/// Other backends, in a weather.
#[derive(Debug)]
pub struct Weathered {
    backends: Arc<dyn Backends>,
    weather: Weather,
}

impl Weathered {
    /// Puts backends into a weather, which may change later.
    pub fn new(backends: Arc<dyn Backends>, weather: Weather) -> Self {
        Weathered { backends, weather }
    }
}

#[async_trait]
impl Backends for Weathered {
    async fn open(&self) -> Backend {
        let Backend { store, bus } = self.backends.open().await;
        let faulty = |bus| Arc::new(FaultyBus::new(bus, self.weather.clone(), 0)) as Arc<dyn EventBus>;
        Backend { store: Arc::new(FaultyStore::new(store, self.weather.clone(), 0)), bus: bus.map(faulty) }
    }

    async fn left(&self) -> Vec<String> {
        self.backends.left().await
    }
}
