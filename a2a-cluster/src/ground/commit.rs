//! Commits, seen: how many, how large, how long.

use a2a_core::{BackendError, ClaimChange, Commit, Outcome, Result, TaskKey};
use futures::FutureExt;
use tokio::time::Instant;
use tracing::Instrument;

use super::Ground;
use super::telemetry;

impl Ground {
    /// Commits once, as the store does. Errors and cancel safety are the store's.
    ///
    /// Combinators, because an async block would keep the call twice in the future of every run.
    pub(crate) fn commit<'a>(
        &'a self,
        key: &'a TaskKey,
        commit: Commit<'a>,
    ) -> impl Future<Output = Result<Outcome>> + Send + 'a {
        let span = telemetry::commit(self, key, commit.record());
        let makes_a_claim = matches!(commit.claim_change(), ClaimChange::Make { .. });
        let events = commit.record().events.len();
        let began = Instant::now();
        let answered = move |outcome: Result<Outcome>| {
            let meters = &self.meters;
            if outcome.is_ok() {
                self.pressure.answered();
            }
            match &outcome {
                Ok(Outcome::Applied(_)) => {
                    meters.commits.increment(1);
                    meters.commit_events.record(u32::try_from(events).unwrap_or(u32::MAX));
                    meters.commit_seconds.record(began.elapsed());
                }
                Ok(Outcome::Conflict { .. }) => {
                    meters.conflicts.increment(1);
                    meters.commit_seconds.record(began.elapsed());
                }
                Err(BackendError::Indeterminate(_)) if makes_a_claim => self.unattended.note(key),
                Err(_) => {}
            }
            outcome
        };
        self.tasks.commit(key, commit).map(answered).instrument(span)
    }
}
