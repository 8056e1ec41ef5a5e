//! What a program cannot compute: the time, fresh ids and chance. Passed in, so that a simulation can replay.

use std::fmt;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The source of wall-clock time, ids and randomness.
///
/// Wall-clock time only dates what users see; no decision about liveness or order rests on it.
///
/// ```
/// use a2a_core::{Env, SystemEnv};
///
/// let env = SystemEnv;
/// assert!(env.uuid() < env.uuid());
/// assert!((0.0..1.0).contains(&env.chance()));
/// ```
pub trait Env: fmt::Debug + Send + Sync + 'static {
    /// Returns the wall-clock time.
    fn now(&self) -> DateTime<Utc>;

    /// Draws a UUIDv7 that nobody else has drawn.
    fn uuid(&self) -> Uuid;

    /// Draws a number in `0.0..1.0`, for jitter.
    fn chance(&self) -> f64;

    /// Draws 32 bytes that nobody can guess, for a key.
    fn secret(&self) -> [u8; 32];
}

/// The machine's clock and entropy.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEnv;

#[allow(clippy::disallowed_methods, reason = "the one place that reads the machine's clock and entropy")]
impl Env for SystemEnv {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn chance(&self) -> f64 {
        fastrand::f64()
    }

    fn secret(&self) -> [u8; 32] {
        // A random UUID has 122 bits of a generator fit for keys: two of them fill a key of 128 bits' strength.
        let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
        Sha256::new().chain_update(first.as_bytes()).chain_update(second.as_bytes()).finalize().into()
    }
}
