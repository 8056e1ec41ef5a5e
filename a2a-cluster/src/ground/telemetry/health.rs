//! Whether a backend's calls have only failed for a while, judged by the calls that are made anyway.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The failures that instance-wide calls have seen lately.
#[derive(Debug)]
pub(crate) struct Health {
    /// Calls about tasks and push configs.
    pub(crate) tasks: Streak,
    /// Beats.
    pub(crate) members: Streak,
    /// The bus's receive.
    pub(crate) bus: Streak,
}

impl Health {
    pub(crate) fn new() -> Self {
        Health { tasks: Streak::new(), members: Streak::new(), bus: Streak::new() }
    }
}

/// A row of failures without a success between them.
#[derive(Debug)]
pub(crate) struct Streak {
    origin: Instant,
    /// When it began and when it last went on: milliseconds after the origin, plus one. Zero: there is none.
    began: AtomicU64,
    latest: AtomicU64,
}

impl Streak {
    fn new() -> Self {
        Streak { origin: Instant::now(), began: AtomicU64::new(0), latest: AtomicU64::new(0) }
    }

    /// Ends the row. It is on the path of every call, hence only a read where there is none.
    pub(crate) fn succeeded(&self) {
        if self.began.load(Ordering::Relaxed) != 0 {
            self.began.store(0, Ordering::Relaxed);
        }
    }

    /// Goes on with the row, or begins one. A row that rested for `patience` has ended unseen: a call that
    /// waits, as a receive does, may be well again long before it returns.
    pub(crate) fn failed(&self, patience: Duration) {
        let now = self.millis();
        let latest = self.latest.swap(now, Ordering::Relaxed);
        if self.began.load(Ordering::Relaxed) == 0 || u128::from(now - latest.min(now)) > patience.as_millis()
        {
            self.began.store(now, Ordering::Relaxed);
        }
    }

    /// Tells whether there have been failures only for `patience`, one of them within that time.
    pub(crate) fn lasts(&self, patience: Duration) -> bool {
        let (began, latest, now) =
            (self.began.load(Ordering::Relaxed), self.latest.load(Ordering::Relaxed), self.millis());
        let ago = |then: u64| u128::from(now.saturating_sub(then));
        began != 0 && ago(began) >= patience.as_millis() && ago(latest) <= patience.as_millis()
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);
    const PAUSE: Duration = Duration::from_secs(2);

    async fn fail_for(streak: &Streak, time: Duration) {
        let begun = Instant::now();
        streak.failed(PATIENCE);
        while begun.elapsed() < time {
            advance(PAUSE).await;
            streak.failed(PATIENCE);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_count_once_they_have_lasted_and_one_success_ends_them() {
        let streak = Streak::new();
        assert!(!streak.lasts(PATIENCE));
        fail_for(&streak, PATIENCE - PAUSE).await;
        assert!(!streak.lasts(PATIENCE));
        fail_for(&streak, PAUSE).await;
        assert!(streak.lasts(PATIENCE));
        streak.succeeded();
        assert!(!streak.lasts(PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_of_failures_that_rests_is_over() {
        let streak = Streak::new();
        fail_for(&streak, PATIENCE).await;
        advance(PATIENCE + Duration::from_millis(1)).await;
        assert!(!streak.lasts(PATIENCE));
        streak.failed(PATIENCE);
        assert!(!streak.lasts(PATIENCE), "a new row begins");
    }
}
