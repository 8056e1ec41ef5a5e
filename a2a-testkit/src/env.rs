//! Time, ids and chance from a seed: what a simulation has instead of the machine's.

use std::sync::{Mutex, MutexGuard, PoisonError};

use a2a_core::Env;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;
use uuid::{Builder, Uuid};

/// Where the clock of every simulation starts: 2026-01-01T00:00:00Z, in milliseconds.
const EPOCH_MILLIS: i64 = 1_767_225_600_000;

/// An env that repeats itself: the same seed and the same calls give the same answers.
///
/// Its clock is tokio's, which a simulation pauses. Each of many instances needs its own, or they would draw
/// equal ids: see [`fork`](SeededEnv::fork).
#[derive(Debug)]
pub struct SeededEnv {
    origin: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rng: fastrand::Rng,
    /// The milliseconds and the counter of the last id, as one number.
    last: u64,
}

impl SeededEnv {
    /// Starts a clock now.
    pub fn new(seed: u64) -> Self {
        SeededEnv::with_origin(seed, Instant::now())
    }

    /// Makes an env of the same clock whose ids and chance go their own way.
    #[must_use]
    pub fn fork(&self) -> Self {
        SeededEnv::with_origin(self.state().rng.u64(..), self.origin)
    }

    fn with_origin(seed: u64, origin: Instant) -> Self {
        SeededEnv { origin, state: Mutex::new(State { rng: fastrand::Rng::with_seed(seed), last: 0 }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Env for SeededEnv {
    fn now(&self) -> DateTime<Utc> {
        let epoch = DateTime::from_timestamp_millis(EPOCH_MILLIS).unwrap_or_default();
        epoch + TimeDelta::from_std(self.origin.elapsed()).unwrap_or_default()
    }

    fn uuid(&self) -> Uuid {
        let millis = self.now().timestamp_millis() as u64;
        let mut state = self.state();
        // RFC 9562, section 6.2: a counter of 12 bits behind the time keeps ids of one millisecond in order,
        // and where it overflows the time moves ahead of the clock.
        state.last = (millis << 12).max(state.last + 1);
        let (millis, counter) = (state.last >> 12, (state.last & 0xfff) as u16);
        let [high, low] = counter.to_be_bytes();
        let mut bytes = [0; 10];
        state.rng.fill(&mut bytes[2..]);
        (bytes[0], bytes[1]) = (high, low);
        Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    fn chance(&self) -> f64 {
        self.state().rng.f64()
    }

    fn secret(&self) -> [u8; 32] {
        let mut secret = [0; 32];
        self.state().rng.fill(&mut secret);
        secret
    }
}

#[cfg(test)]
mod tests;
