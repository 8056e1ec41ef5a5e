//! How long to wait after a failed call.

use std::time::Duration;

use crate::ground::Webhooks;

/// The longest pause that a webhook may ask for.
const LONGEST_ASKED_FOR: Duration = Duration::from_secs(5 * 60);

/// The failures of one webhook in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Takes note of a failure. Returns the pause before the next call.
    ///
    /// `asked_for` is what the webhook's answer asked for; `chance` is drawn from `0.0..1.0`.
    pub(super) fn failed(&mut self, policy: &Webhooks, asked_for: Option<Duration>, chance: f64) -> Duration {
        let doublings = self.failures.min(31);
        self.failures = self.failures.saturating_add(1);
        let pause = policy.retry_min.saturating_mul(1 << doublings).min(policy.retry_max);
        // Jitter over the upper half: webhooks that failed together do not come back together.
        let pause = pause.mul_f64(0.5 + chance / 2.0);
        let asked_for = asked_for.unwrap_or_default().min(LONGEST_ASKED_FOR);
        pause.max(asked_for)
    }

    /// Takes note of a success.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(policy: &Webhooks, chance: f64) -> Vec<u64> {
        let mut backoff = Backoff::default();
        (0..8).map(|_| backoff.failed(policy, None, chance).as_secs()).collect()
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let policy = Webhooks::default();
        assert_eq!(pauses(&policy, 1.0), [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pauses(&policy, 0.0), [0, 1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn a_success_begins_anew() {
        let policy = Webhooks::default();
        let mut backoff = Backoff::default();
        for _ in 0..10 {
            assert_eq!(backoff.failed(&policy, None, 1.0), Duration::from_secs(1));
            assert_eq!(backoff.failed(&policy, None, 1.0), Duration::from_secs(2));
            backoff.succeeded();
        }
    }

    #[test]
    fn a_webhook_may_ask_for_a_longer_pause_within_bounds() {
        let policy = Webhooks::default();
        let asking = |seconds| Backoff::default().failed(&policy, Some(Duration::from_secs(seconds)), 1.0);
        assert_eq!(asking(0), Duration::from_secs(1));
        assert_eq!(asking(90), Duration::from_secs(90));
        assert_eq!(asking(u64::MAX), LONGEST_ASKED_FOR);
    }

    #[test]
    fn no_number_of_failures_overflows() {
        let policy = Webhooks::default();
        let mut backoff = Backoff { failures: u32::MAX - 1 };
        assert_eq!(backoff.failed(&policy, None, 1.0), policy.retry_max);
        assert_eq!(backoff.failed(&policy, None, 1.0), policy.retry_max);
    }
}
