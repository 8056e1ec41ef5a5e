//! Counts what becomes of calls to webhooks.

use metrics::{Counter, counter};

use super::catalog::WEBHOOK_ATTEMPTS;

/// What became of one attempt to deliver to a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// Answered with a 2xx status.
    Accepted,
    /// Answered with another status.
    Refused,
    /// Not answered in time.
    TimedOut,
    /// Not reached, or cut off.
    Failed,
    /// Not tried: the address is one that must not be called.
    Blocked,
    /// Not tried again: it failed too often.
    GivenUp,
}

impl Attempt {
    const ALL: [Self; 6] = [
        Attempt::Accepted,
        Attempt::Refused,
        Attempt::TimedOut,
        Attempt::Failed,
        Attempt::Blocked,
        Attempt::GivenUp,
    ];

    /// The word for it in metrics.
    fn word(self) -> &'static str {
        match self {
            Attempt::Accepted => "accepted",
            Attempt::Refused => "refused",
            Attempt::TimedOut => "timed_out",
            Attempt::Failed => "failed",
            Attempt::Blocked => "blocked",
            Attempt::GivenUp => "given_up",
        }
    }

    /// The counter of such attempts.
    fn counter(self) -> Counter {
        counter!(WEBHOOK_ATTEMPTS, "outcome" => self.word())
    }
}

/// Shows the counters of all outcomes before there is any: an alarm sees no rise from nothing to one.
pub(super) fn begin() {
    for outcome in Attempt::ALL {
        outcome.counter().increment(0);
    }
}

/// Counts one attempt. Without handles of its own: next to an HTTP request a look-up costs nothing.
pub(crate) fn webhook_attempt(outcome: Attempt) {
    outcome.counter().increment(1);
}
