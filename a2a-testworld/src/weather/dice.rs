//! Chance, from one seed: what a request draws depends on the seed and on how many requests came before it, not on time,
//! nor on what they drew.

use std::sync::atomic::{AtomicU64, Ordering};

/// Hands out the draws of one request after the other.
#[derive(Debug)]
pub(super) struct Dice {
    seed: u64,
    requests: AtomicU64,
}

/// What one request draws.
#[derive(Debug)]
pub(super) struct Draws {
    reset: f64,
    unanswered: f64,
    lost: f64,
    /// Whether a request whose outcome is open was applied.
    pub(super) applied: bool,
    /// Which of two names throttling gets.
    pub(super) coin: bool,
    /// What is drawn as often as the weather asks: refusals, latency, lags, in this order.
    pub(super) more: fastrand::Rng,
}

impl Draws {
    pub(super) fn is_reset(&self, share: f64) -> bool {
        self.reset < share
    }

    pub(super) fn is_unanswered(&self, share: f64) -> bool {
        self.unanswered < share
    }

    pub(super) fn is_lost(&self, share: f64) -> bool {
        self.lost < share
    }
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Dice { seed, requests: AtomicU64::new(0) }
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// What the next request draws.
    pub(super) fn next(&self) -> Draws {
        let request = self.requests.fetch_add(1, Ordering::Relaxed);
        // Seeds that lie beside each other give generators whose first draws resemble each other; a multiplication by a
        // large odd number sets them apart.
        let mut of_request = fastrand::Rng::with_seed(request.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut more = fastrand::Rng::with_seed(self.seed ^ of_request.u64(..));
        Draws {
            reset: more.f64(),
            unanswered: more.f64(),
            lost: more.f64(),
            applied: more.bool(),
            coin: more.bool(),
            more,
        }
    }
}
