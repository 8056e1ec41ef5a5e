//! Counts what becomes of calls to webhooks.

use metrics::counter;

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

/// Counts one attempt. Without handles of its own: next to an HTTP request a look-up costs nothing.
pub(crate) fn webhook_attempt(outcome: Attempt) {
    let outcome = match outcome {
        Attempt::Accepted => "accepted",
        Attempt::Refused => "refused",
        Attempt::TimedOut => "timed_out",
        Attempt::Failed => "failed",
        Attempt::Blocked => "blocked",
        Attempt::GivenUp => "given_up",
    };
    counter!(WEBHOOK_ATTEMPTS, "outcome" => outcome).increment(1);
}
