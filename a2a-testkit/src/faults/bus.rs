//! A bus that is connected to late, or only at the third attempt, and whose endpoints are faulty ones.

mod endpoint;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use a2a_core::wire::Seal;
use a2a_core::{BackendError, Endpoint, EventBus, InstanceId, Result};
use async_trait::async_trait;
use tokio::time::sleep;

use super::Weather;

pub use endpoint::FaultyEndpoint;

/// Wraps a bus for one process, in the given weather.
///
/// All chance is drawn from the seed, in the order of the calls: its first endpoint has the bus's seed, each later
/// one another.
pub struct FaultyBus {
    inner: Arc<dyn EventBus>,
    weather: Weather,
    chance: Mutex<Chance>,
}

struct Chance {
    rng: fastrand::Rng,
    next_seed: u64,
}

impl FaultyBus {
    /// Wraps a bus.
    pub fn new(inner: Arc<dyn EventBus>, weather: Weather, seed: u64) -> Self {
        let chance = Chance { rng: fastrand::Rng::with_seed(seed), next_seed: seed };
        FaultyBus { inner, weather, chance: Mutex::new(chance) }
    }

    /// Draws how long a call takes, and whether it fails then.
    fn draw(&self) -> (Duration, bool) {
        let forecast = self.weather.forecast();
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        let delay = forecast.connect_delay.draw(&mut chance.rng);
        (delay, chance.rng.f64() < forecast.connect_failed)
    }

    fn next_seed(&self) -> u64 {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        let seed = chance.next_seed;
        chance.next_seed = chance.rng.u64(..);
        seed
    }
}

#[async_trait]
impl EventBus for FaultyBus {
    async fn connect(&self, me: &InstanceId, seal: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        let (delay, fails) = self.draw();
        self.weather.thawed(Some(*me)).await;
        pause(delay).await;
        if fails {
            return Err(BackendError::Unavailable("injected fault: not connected".into()));
        }
        let endpoint = self.inner.connect(me, seal).await?;
        self.weather.thawed(Some(*me)).await;
        Ok(Arc::new(FaultyEndpoint::new(endpoint, self.weather.clone(), self.next_seed())))
    }

    async fn release(&self, gone: &InstanceId) -> Result<()> {
        let (delay, fails) = self.draw();
        pause(delay).await;
        if fails {
            return Err(BackendError::Unavailable("injected fault: not released".into()));
        }
        self.inner.release(gone).await
    }
}

async fn pause(delay: Duration) {
    if !delay.is_zero() {
        sleep(delay).await;
    }
}

impl fmt::Debug for FaultyBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyBus")
            .field("inner", &self.inner)
            .field("weather", &self.weather)
            .finish_non_exhaustive()
    }
}
