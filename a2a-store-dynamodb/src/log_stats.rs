//! Where the logs stand that a handle writes: sizes, so that a snapshot is written when it pays, and that a version
//! exists, so that a commit costs one request.
//!
//! Nothing here is task content, and nothing here decides a race: the table's conditions do. Whoever does not know where a
//! log stands reads two items first.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use a2a_core::{CommitId, Tip, Version};

use crate::items::head::Head;
use crate::items::snapshot::Snapshot;

/// How many tasks each of the two generations holds.
const GENERATION: usize = 8192;

/// Where one task's log stands, at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogStats {
    pub(crate) incarnation: u64,
    pub(crate) tip: Tip,
    /// What the commits since the last snapshot have cost.
    pub(crate) log_units: u64,
    /// A bound of the task's size as JSON.
    pub(crate) task_bytes: u64,
    pub(crate) snapshot: Option<Snapshot>,
    /// Up to which version the entry in the head holds everything, where there is one and no snapshot.
    pub(crate) first_covers: Option<Version>,
    /// The task is known to be in the midst of a turn: its head does not say that the log has come to an end.
    pub(crate) in_turn: bool,
    /// The commit that made the tip and whose head is not written yet: its writer sends it again.
    pub(crate) awaits_head: Option<CommitId>,
    /// What the names of all index partitions of the task's caller have in common.
    pub(crate) caller: String,
    /// When the first item that the task's content needs expires.
    pub(crate) lasts_until: Option<i64>,
    /// The epoch second at which this was true.
    pub(crate) noted: i64,
}

impl LogStats {
    /// The statistics before the first commit of a caller's.
    pub(crate) fn empty(incarnation: u64, caller: String, now: i64) -> Self {
        LogStats {
            incarnation,
            tip: Tip::ABSENT,
            log_units: 0,
            task_bytes: 0,
            snapshot: None,
            first_covers: None,
            in_turn: true,
            awaits_head: None,
            caller,
            lasts_until: None,
            noted: now,
        }
    }

    /// Where the log stands at a tip that the head has not got to.
    pub(crate) fn of_head(head: &Head, tip: Tip, now: i64) -> Self {
        LogStats {
            incarnation: head.incarnation,
            tip,
            log_units: 0,
            task_bytes: head.covered_bytes(),
            snapshot: head.snapshot.clone(),
            first_covers: head.first_covers(),
            in_turn: false,
            awaits_head: None,
            caller: head.index_caller.clone(),
            lasts_until: None,
            noted: now,
        }
    }

    /// What the last snapshot cost.
    pub(crate) fn snapshot_units(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.units)
    }

    fn is_later_than(&self, other: &LogStats) -> bool {
        (self.incarnation, self.tip.version) > (other.incarnation, other.tip.version)
    }

    /// Takes note that the head holds the entry of the only commit.
    pub(crate) fn in_head(&mut self, version: Version) {
        self.log_units = 0;
        self.lasts_until = None;
        self.first_covers = Some(version);
    }

    /// Takes note of a commit without events: what held all of the version before it holds this one as well.
    pub(crate) fn cover(&mut self, earlier: Version, later: Version) {
        let covers = match &mut self.snapshot {
            Some(snapshot) => Some(&mut snapshot.covers),
            None => self.first_covers.as_mut(),
        };
        if let Some(covers) = covers.filter(|covers| **covers == earlier) {
            *covers = later;
        }
    }

    /// Tells whether a snapshot, or the head, holds all of this version.
    pub(crate) fn is_covered_at(&self, version: Version) -> bool {
        match &self.snapshot {
            Some(snapshot) => snapshot.covers == version,
            None => self.first_covers == Some(version),
        }
    }

    /// Takes note of a snapshot of the current version.
    pub(crate) fn snapshotted(&mut self, snapshot: Snapshot) {
        self.log_units = 0;
        self.task_bytes = snapshot.bytes;
        self.lasts_until = snapshot.expires();
        self.snapshot = Some(snapshot);
        self.first_covers = None;
    }
}

/// The sooner of two times; `None` is never.
pub(crate) fn sooner(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.into_iter().chain(b).min()
}

/// What a handle remembers: the statistics of the logs written last, as many as two generations hold.
#[derive(Debug, Default)]
pub(crate) struct KnownLogs {
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<String, LogStats>,
    old: HashMap<String, LogStats>,
}

impl KnownLogs {
    /// Returns the statistics of a task at this version, if it is no older than `oldest`.
    pub(crate) fn at(&self, pk: &str, version: Version, oldest: i64) -> Option<LogStats> {
        let generations = self.lock();
        let stats = generations.young.get(pk).or_else(|| generations.old.get(pk))?;
        (stats.tip.version == version && stats.noted >= oldest).then(|| stats.clone())
    }

    /// Returns the statistics of a task whose last entry is this very commit's and has no head yet.
    pub(crate) fn behind(&self, pk: &str, commit: CommitId) -> Option<LogStats> {
        let generations = self.lock();
        let stats = generations.young.get(pk).or_else(|| generations.old.get(pk))?;
        (stats.awaits_head == Some(commit)).then(|| stats.clone())
    }

    /// Remembers statistics, unless later ones are known.
    pub(crate) fn note(&self, pk: &str, stats: LogStats) {
        let mut generations = self.lock();
        let known = generations.young.get(pk).or_else(|| generations.old.get(pk));
        if known.is_some_and(|known| known.is_later_than(&stats)) {
            return;
        }
        if generations.young.len() >= GENERATION && !generations.young.contains_key(pk) {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(pk.to_owned(), stats);
    }

    /// Forgets a task.
    pub(crate) fn forget(&self, pk: &str) {
        let mut generations = self.lock();
        generations.young.remove(pk);
        generations.old.remove(pk);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        // They are complete at every moment; a panic elsewhere does not make them wrong.
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(version: u64) -> LogStats {
        let tip = Tip { version: Version::new(version), ..Tip::ABSENT };
        LogStats { tip, ..LogStats::empty(1, String::new(), 100) }
    }

    #[test]
    fn statistics_count_for_their_version_while_they_are_fresh() {
        let known_logs = KnownLogs::default();
        known_logs.note("t", stats(3));
        assert_eq!(known_logs.at("t", Version::new(3), 100), Some(stats(3)));
        assert_eq!(known_logs.at("t", Version::new(2), 100), None);
        assert_eq!(known_logs.at("t", Version::new(3), 101), None);
        known_logs.forget("t");
        assert_eq!(known_logs.at("t", Version::new(3), 100), None);
    }

    #[test]
    fn a_commit_without_a_head_is_known_by_its_id_and_only_as_the_last_one() {
        let known_logs = KnownLogs::default();
        let [one, other] = [1, 2].map(|n| CommitId::from_uuid(uuid::Uuid::from_u128(n)));
        let behind = LogStats { awaits_head: Some(one), ..stats(3) };
        known_logs.note("t", behind.clone());
        assert_eq!((known_logs.behind("t", one), known_logs.behind("t", other)), (Some(behind), None));
        assert_eq!(known_logs.behind("u", one), None);
        known_logs.note("t", stats(3));
        assert_eq!(known_logs.behind("t", one), None);
    }

    #[test]
    fn only_the_recent_logs_are_known() {
        let known_logs = KnownLogs::default();
        for n in 0..3 * GENERATION {
            known_logs.note(&n.to_string(), stats(1));
        }
        let held = known_logs.lock();
        assert!(held.young.len() + held.old.len() <= 2 * GENERATION);
        assert!(held.young.contains_key(&(3 * GENERATION - 1).to_string()));
    }
}
