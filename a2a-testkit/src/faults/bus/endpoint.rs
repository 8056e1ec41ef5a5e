//! An endpoint that loses, repeats, delays and reorders, and does not cross a partition.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a_core::{BackendError, BusMessage, Delivery, Endpoint, InstanceId, Reach, Recipient, Result};
use async_trait::async_trait;
use tokio::time::{Instant, sleep, sleep_until};

use crate::faults::{Delay, Weather};

/// Wraps one instance's endpoint, in the given weather.
///
/// All chance is drawn from the seed, in the order of the calls. The sender decides what is lost, the
/// receiver what is repeated and how late: wrap both ends. Delayed messages wait at the receiver, so that no
/// task runs in the background and `receive` stays cancel safe.
pub struct FaultyEndpoint {
    inner: Arc<dyn Endpoint>,
    weather: Weather,
    air: Mutex<Air>,
}

struct Air {
    rng: fastrand::Rng,
    /// The messages under way by the time of their arrival; the number keeps equal times apart.
    under_way: BTreeMap<(Instant, u64), BusMessage>,
    count: u64,
}

impl FaultyEndpoint {
    /// Wraps an endpoint.
    pub fn new(inner: Arc<dyn Endpoint>, weather: Weather, seed: u64) -> Self {
        let rng = fastrand::Rng::with_seed(seed);
        FaultyEndpoint { inner, weather, air: Mutex::new(Air { rng, under_way: BTreeMap::new(), count: 0 }) }
    }

    fn air(&self) -> MutexGuard<'_, Air> {
        self.air.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_off(&self, messages: Vec<BusMessage>) {
        let forecast = self.weather.forecast();
        let mut air = self.air();
        for message in messages {
            let copies = if air.rng.f64() < forecast.duplication { 2 } else { 1 };
            for _ in 0..copies {
                let arrival = Instant::now() + forecast.bus_delay.draw(&mut air.rng);
                air.count += 1;
                let number = air.count;
                air.under_way.insert((arrival, number), message.clone());
            }
        }
    }

    /// Takes what has arrived, except what a partition has caught since.
    fn land(&self) -> Vec<BusMessage> {
        let mut air = self.air();
        let later = air.under_way.split_off(&(Instant::now(), u64::MAX));
        let landed = std::mem::replace(&mut air.under_way, later);
        landed.into_values().filter(|message| self.weather.reaches(message.from, self.inner.me())).collect()
    }

    async fn next_arrival(&self) {
        let first = self.air().under_way.first_key_value().map(|((arrival, _), _)| *arrival);
        match first {
            Some(arrival) => sleep_until(arrival).await,
            None => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Endpoint for FaultyEndpoint {
    fn me(&self) -> InstanceId {
        self.inner.me()
    }

    fn reach(&self) -> Reach {
        self.inner.reach()
    }

    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        let me = self.inner.me();
        self.weather.thawed(Some(me)).await;
        let forecast = self.weather.forecast();
        let (delay, fails, reached) = {
            let mut air = self.air();
            // Where sends take no time, chance is as if there were no such fault.
            let delay = (forecast.send_delay != Delay::NONE).then(|| forecast.send_delay.draw(&mut air.rng));
            let fails = air.rng.f64() < forecast.send_failed;
            let arrives =
                |to: &&Recipient| air.rng.f64() >= forecast.loss && self.weather.reaches(me, to.instance);
            (delay, fails, to.iter().filter(arrives).copied().collect::<Vec<_>>())
        };
        if let Some(delay) = delay {
            sleep(delay).await;
        }
        if fails {
            return Err(BackendError::Unavailable("injected fault: not sent".into()));
        }
        // Also where nobody is reached: a closed endpoint must go on to say so.
        self.inner.send(&reached, message).await
    }

    async fn receive(&self) -> Result<Vec<BusMessage>> {
        loop {
            self.weather.thawed(Some(self.inner.me())).await;
            let landed = self.land();
            if !landed.is_empty() {
                return Ok(landed);
            }
            tokio::select! {
                biased;
                received = self.inner.receive() => self.take_off(received?),
                () = self.next_arrival() => {}
            }
        }
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

impl fmt::Debug for FaultyEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyEndpoint")
            .field("inner", &self.inner)
            .field("weather", &self.weather)
            .field("under_way", &self.air().under_way.len())
            .finish_non_exhaustive()
    }
}
