//! What the retries of one instance have in common: how many there may be, and who is told of attempts that failed.
//!
//! Whoever repeats calls in a loop around another loop multiplies them, and does so just when a backend is asked for too
//! much. So an instance has one budget. Each retry, of whichever loop, takes from it; each success gives some back. While
//! little fails, everything may be repeated; where most fails, nearly everything is sent once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::Trouble;

/// What a full budget holds: a hundred retries.
const CAPACITY: u32 = 500;
/// What a retry takes. A success gives this back if it needed a retry, and otherwise one.
const RETRY: u32 = 5;

/// The retry budget of one instance. Clones share it.
///
/// An instance makes one, uses it itself, and hands it to its store
/// ([`TaskStore::use_budget`](crate::TaskStore::use_budget)).
///
/// ```
/// use a2a_core::RetryBudget;
///
/// let budget = RetryBudget::default();
/// let retries = std::iter::repeat_with(|| budget.try_retry()).take(1_000).filter(|retried| *retried);
/// assert_eq!(retries.count(), 100);
/// budget.succeeded(true);
/// assert!(budget.try_retry());
/// ```
#[derive(Debug, Clone)]
pub struct RetryBudget {
    tokens: Arc<AtomicU32>,
    /// A backend tells of each of its answers.
    is_told: Arc<AtomicBool>,
    capacity: u32,
    observer: Option<Arc<dyn AttemptObserver>>,
}

impl Default for RetryBudget {
    /// A full budget of a hundred retries that tells nobody.
    fn default() -> Self {
        RetryBudget::of_retries(CAPACITY / RETRY)
    }
}

impl RetryBudget {
    /// Makes a full budget of so many retries. One of none sends everything once.
    pub fn of_retries(retries: u32) -> Self {
        let capacity = retries.saturating_mul(RETRY);
        RetryBudget {
            tokens: Arc::new(AtomicU32::new(capacity)),
            is_told: Arc::default(),
            capacity,
            observer: None,
        }
    }

    /// Tells an observer of each attempt, of this handle and of clones that are made of it.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn AttemptObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Takes what a retry costs. `false` where there is not enough: then do not repeat the call, or only after the
    /// longest pause.
    #[must_use = "a retry that was not granted takes nothing"]
    pub fn try_retry(&self) -> bool {
        let take = |tokens: u32| tokens.checked_sub(RETRY);
        self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// Gives back for a call that succeeded: all that its last retry took where it needed one, else a little, unless the
    /// backend tells of its answers by itself.
    pub fn succeeded(&self, retried: bool) {
        if retried || !self.is_told() {
            self.give(retried);
        }
    }

    fn give(&self, retried: bool) {
        let gift = if retried { RETRY } else { 1 };
        let give = |tokens: u32| (tokens < self.capacity).then(|| (tokens + gift).min(self.capacity));
        // Nothing is given to a full one.
        let _ = self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, give);
    }

    /// Takes note that the backend answered an attempt, be it with a lost race.
    pub fn answered(&self, operation: &'static str, retried: bool) {
        if !self.is_told() {
            self.is_told.store(true, Ordering::Relaxed);
        }
        self.give(retried);
        if let Some(observer) = &self.observer {
            observer.answered(operation);
        }
    }

    /// Tells whether a backend tells of its attempts by itself, so that nobody else has to.
    pub fn is_told(&self) -> bool {
        self.is_told.load(Ordering::Relaxed)
    }

    /// Takes note of an attempt that failed, whether or not it is repeated.
    pub fn failed(&self, attempt: &FailedAttempt<'_>) {
        self.is_told.store(true, Ordering::Relaxed);
        if let Some(observer) = &self.observer {
            observer.failed(attempt);
        }
    }

    /// How many retries are left.
    pub fn left(&self) -> u32 {
        self.tokens.load(Ordering::Relaxed) / RETRY
    }
}

/// One request to a backend that failed. No part of it carries content or credentials; all but `why` become labels of
/// metrics, so each has few values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedAttempt<'a> {
    /// The backend's name for what was asked of it.
    pub operation: &'static str,
    /// The backend's name for the failure.
    pub code: &'static str,
    /// The backend's finer reason; empty where it gave none.
    pub reason: &'a str,
    /// The table, index or the like that the reason is about; empty where it named none.
    pub resource: &'a str,
    /// What the trouble is; `None` where the failure does not pass.
    pub trouble: Option<Trouble>,
    /// Whether an instance cannot serve without this operation. What only tidies up is none of these: where that is denied,
    /// an operator is told, and requests are served all the same.
    pub is_vital: bool,
    /// What happened, in words for an operator.
    pub why: &'a str,
}

/// Is told of an instance's attempts at its backend, by whatever makes them. It must not block.
pub trait AttemptObserver: fmt::Debug + Send + Sync + 'static {
    /// An attempt failed.
    fn failed(&self, attempt: &FailedAttempt<'_>);

    /// An attempt was answered.
    fn answered(&self, operation: &'static str);
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn in_overload_nearly_everything_is_sent_once() {
        let budget = RetryBudget::default();
        let mut chance = 0_u32;
        let mut retries = 0;
        for _ in 0..10_000 {
            // Seven of ten attempts fail; each call is sent three times at most.
            let mut retried = false;
            for _ in 0..3 {
                chance = (chance + 3) % 10;
                if chance < 3 {
                    budget.succeeded(retried);
                    break;
                }
                retried = budget.try_retry();
                if !retried {
                    break;
                }
                retries += 1;
            }
        }
        assert!((100..2_500).contains(&retries), "{retries} retries of 10,000 calls");
    }

    #[test]
    fn while_little_fails_everything_may_be_repeated() {
        let budget = RetryBudget::default();
        for call in 0..10_000 {
            let fails = call % 20 == 0;
            assert!(!fails || budget.try_retry(), "call {call}");
            budget.succeeded(fails);
        }
        assert_eq!(budget.left(), 100);
    }

    #[test]
    fn a_budget_never_holds_more_than_when_it_was_made() {
        let budget = RetryBudget::of_retries(1);
        budget.succeeded(true);
        assert!(budget.try_retry() && !budget.try_retry());
        (0..4).for_each(|_| budget.succeeded(false));
        assert!(!budget.try_retry(), "four successes are no retry yet");
        budget.succeeded(false);
        assert!(budget.try_retry() && !budget.try_retry());
    }

    #[test]
    fn an_answer_is_paid_for_once_by_whoever_is_nearest_to_the_backend() {
        let budget = RetryBudget::of_retries(2);
        assert!(budget.try_retry() && budget.try_retry());
        for _ in 0..5 {
            // The backend's own loop, and the one around it.
            budget.answered("Put", false);
            budget.clone().succeeded(false);
        }
        assert_eq!(budget.left(), 1);
        budget.succeeded(true);
        assert_eq!(budget.left(), 2, "what the outer loop took itself");
    }

    #[test]
    fn clones_share_one_budget() {
        let budget = RetryBudget::of_retries(1);
        assert!(budget.clone().try_retry());
        assert!(!budget.try_retry());
    }

    #[derive(Debug, Default)]
    struct Record(Mutex<Vec<String>>);

    impl AttemptObserver for Record {
        fn failed(&self, attempt: &FailedAttempt<'_>) {
            self.0.lock().unwrap().push(format!("{} {}", attempt.operation, attempt.code));
        }

        fn answered(&self, operation: &'static str) {
            self.0.lock().unwrap().push(format!("{operation} answered"));
        }
    }

    #[test]
    fn an_observer_is_told_of_every_attempt() {
        let record = Arc::new(Record::default());
        let budget = RetryBudget::default().observed_by(record.clone());
        let attempt = FailedAttempt {
            operation: "Put",
            code: "Throttled",
            reason: "",
            resource: "",
            trouble: Some(Trouble::Throttled),
            is_vital: true,
            why: "",
        };
        budget.clone().failed(&attempt);
        budget.answered("Put", true);
        assert_eq!(*record.0.lock().unwrap(), ["Put Throttled", "Put answered"]);
    }
}
