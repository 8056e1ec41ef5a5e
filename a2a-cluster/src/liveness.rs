//! When this instance last knew that it lives, on its own monotonic clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The time of the last beat that was answered.
#[derive(Debug)]
pub(crate) struct Liveness {
    origin: Instant,
    beaten_at: AtomicU64,
}

impl Liveness {
    pub(crate) fn new() -> Self {
        Liveness { origin: Instant::now(), beaten_at: AtomicU64::new(0) }
    }

    /// Takes note of a beat that was answered; `sent` is when it was sent, for nothing later is certain.
    pub(crate) fn beaten(&self, sent: Instant) {
        let millis = u64::try_from((sent - self.origin).as_millis()).unwrap_or(u64::MAX);
        self.beaten_at.store(millis, Ordering::Release);
    }

    /// Tells whether the last answered beat is younger than the lease time.
    pub(crate) fn is_fresh(&self, now: Instant, lease: Duration) -> bool {
        let beaten_at = self.origin + Duration::from_millis(self.beaten_at.load(Ordering::Acquire));
        now.saturating_duration_since(beaten_at) < lease
    }
}
