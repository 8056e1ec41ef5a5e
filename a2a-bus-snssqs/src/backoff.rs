//! How long to wait after a failure: longer each time, never as long as the neighbour.

use std::time::Duration;

use a2a_core::Env;

/// Counts failures in a row.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// Begins with pauses of at most `first`, which double up to `longest`.
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Backoff { first, longest, failures: 0 }
    }

    /// Returns the pause after one more failure: between half of, and all of, a bound that doubles.
    pub(crate) fn pause(&mut self, env: &dyn Env) -> Duration {
        let bound = self.first.saturating_mul(1 << self.failures.min(16)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        bound.mul_f64(0.5 + env.chance().clamp(0.0, 1.0) / 2.0)
    }

    /// Starts over after a success.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::SystemEnv;

    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_start_over() {
        const FIRST: Duration = Duration::from_millis(200);
        const LONGEST: Duration = Duration::from_secs(10);
        let mut backoff = Backoff::new(FIRST, LONGEST);
        for failures in 0..40_u32 {
            let bound = FIRST.saturating_mul(1 << failures.min(16)).min(LONGEST);
            let pause = backoff.pause(&SystemEnv);
            assert!(pause >= bound / 2 && pause <= bound, "{failures}: {pause:?}");
        }
        backoff.reset();
        assert!(backoff.pause(&SystemEnv) <= FIRST);
    }
}
