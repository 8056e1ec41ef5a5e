//! A head that is behind its log, as a reader finds it.

use a2a_core::{CommitId, TaskHead, reduce};

/// What a reader found of a head that is behind its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behind {
    /// When the last commit got its id, in milliseconds, where it is known.
    pub(crate) ended_at: Option<i64>,
    /// The log ends a claim that the head still tells, or the head says that it lacks its snapshot.
    pub(crate) ends_claim: bool,
}

impl Behind {
    /// Compares the facts of a head with those at the end of the log: the end of a turn, or of a claim, must be in both.
    /// `has_end`: the head tells the end of the turn, and has all of it. `awaits`: it says that it lacks a
    /// snapshot. `last`: the last commit behind the head.
    pub(crate) fn of(
        before: &TaskHead,
        has_end: bool,
        awaits: bool,
        last: Option<CommitId>,
        after: &TaskHead,
    ) -> Option<Self> {
        let ends_claim = (before.claim.is_some() || awaits) && after.claim.is_none();
        let ends_turn = reduce::ends_turn(&after.state) && !has_end;
        (ends_claim || ends_turn).then(|| Behind { ended_at: last.map(millis_of), ends_claim })
    }
}

/// When a commit got its id.
fn millis_of(id: CommitId) -> i64 {
    i64::try_from(id.uuid().as_u128() >> 80).unwrap_or(i64::MAX)
}
