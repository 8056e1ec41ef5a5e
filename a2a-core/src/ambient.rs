//! What a program cannot compute: the time, fresh ids and chance. Passed in, so that a simulation can replay.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The source of wall-clock time, ids and randomness.
///
/// Wall-clock time only dates what users see; no decision about liveness or order rests on it.
///
/// ```
/// use a2a_core::{Ambient, SystemAmbient};
///
/// let ambient = SystemAmbient;
/// assert!(ambient.uuid() < ambient.uuid());
/// assert!((0.0..1.0).contains(&ambient.chance()));
/// ```
pub trait Ambient: fmt::Debug + Send + Sync + 'static {
    /// Returns the wall-clock time.
    fn now(&self) -> DateTime<Utc>;

    /// Draws a UUIDv7 that nobody else has drawn.
    fn uuid(&self) -> Uuid;

    /// Draws a number in `0.0..1.0`, for jitter.
    fn chance(&self) -> f64;
}

/// The machine's clock and entropy.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemAmbient;

#[allow(clippy::disallowed_methods, reason = "the one place that reads the machine's clock and entropy")]
impl Ambient for SystemAmbient {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn chance(&self) -> f64 {
        fastrand::f64()
    }
}
