//! When a snapshot pays: at sizes that double, so that all of them together cost about a quarter of the log.

/// When a stream of small commits is summed up in a snapshot.
///
/// A snapshot is due once the commits since the last one cost `log_per_snapshot` times what that one cost to
/// write, and at least `min_log_units`. Each snapshot is then about twice the size of the one before, and what
/// a reader has to fold on top of one is bounded.
///
/// The end of a turn (a terminal or an interrupted state) writes a snapshot whatever the policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotPolicy {
    pub(crate) min_log_units: u64,
    pub(crate) log_per_snapshot: u64,
}

impl Default for SnapshotPolicy {
    fn default() -> Self {
        SnapshotPolicy { min_log_units: 512, log_per_snapshot: 8 }
    }
}

impl SnapshotPolicy {
    /// Sets how many write units of log make the first snapshot due, by default 512: a reader
    /// gets so much log with one request.
    #[must_use]
    pub fn min_log_units(mut self, units: u64) -> Self {
        self.min_log_units = units.max(1);
        self
    }

    /// Sets how many times the cost of a snapshot the log after it may cost, by default 8. A larger number
    /// writes less and makes a running task dearer to load.
    #[must_use]
    pub fn log_per_snapshot(mut self, times: u64) -> Self {
        self.log_per_snapshot = times.max(1);
        self
    }

    /// Tells whether a log that costs so much since the last snapshot outweighs it.
    pub(crate) fn is_due(self, log_units: u64, snapshot_units: u64) -> bool {
        log_units >= self.min_log_units.max(snapshot_units.saturating_mul(self.log_per_snapshot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cost of all snapshots of a stream of commits that cost one unit each and of which ten fill one unit
    /// of a snapshot, per commit.
    fn snapshots_per_commit(policy: SnapshotPolicy, commits: u64) -> f64 {
        let (mut since, mut last, mut total) = (0, 0, 0);
        for commit in 1..=commits {
            since += 1;
            if policy.is_due(since, last) || commit == commits {
                last = commit.div_ceil(10);
                total += last;
                since = 0;
            }
        }
        total as f64 / commits as f64
    }

    #[test]
    fn snapshots_cost_a_fraction_of_the_log_however_long_it_is() {
        for commits in [64, 500, 5_000, 50_000, 500_000] {
            let share = snapshots_per_commit(SnapshotPolicy::default(), commits);
            assert!(share < 0.4, "{share} units of snapshot per unit of log at {commits} commits");
        }
    }

    #[test]
    fn a_first_snapshot_waits_for_the_least_log() {
        let policy = SnapshotPolicy::default().min_log_units(10);
        assert!(!policy.is_due(9, 0));
        assert!(policy.is_due(10, 0));
    }

    #[test]
    fn a_snapshot_waits_until_the_log_outweighs_the_last() {
        let policy = SnapshotPolicy::default().min_log_units(1).log_per_snapshot(2);
        assert!(!policy.is_due(19, 10));
        assert!(policy.is_due(20, 10));
    }
}
