//! How soon what an agent says is committed: at once, or a moment later together with what it says next.
//!
//! A store may ask for some time between the commits of a task, for what each of them costs. Only progress waits, and
//! only for what is left of that time since the last commit began: an agent that speaks seldom is never late.

use std::time::Duration;

use tokio::time::Instant;

use super::ear::Ear;

/// The pace of one run's commits.
#[derive(Debug)]
pub(super) struct Pace {
    spacing: Duration,
    /// Before this, progress waits for more.
    next: Option<Instant>,
}

impl Pace {
    pub(super) fn new(spacing: Duration) -> Self {
        Pace { spacing, next: None }
    }

    /// Takes note of a commit that begins.
    pub(super) fn commits(&mut self) {
        if !self.spacing.is_zero() {
            self.next = Some(Instant::now() + self.spacing);
        }
    }

    /// Until when what was heard waits for more. `None`: it does not wait.
    pub(super) fn holds(&self, ear: &Ear) -> Option<Instant> {
        let next = self.next?;
        (ear.may_wait() && Instant::now() < next).then_some(next)
    }
}
