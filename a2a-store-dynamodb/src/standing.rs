//! Where the logs stand that a handle writes: sizes, so that a snapshot is written when it pays, and that a version
//! exists, so that a commit costs one request.
//!
//! Nothing here is task content, and nothing here decides a race: the table's conditions do. Whoever does not know where a
//! log stands reads two items first.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use a2a_core::{Tip, Version};

use crate::head::{Head, Snapshot};

/// How many tasks each of the two generations holds.
const GENERATION: usize = 8192;

/// Where one task's log stands, at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) incarnation: u64,
    pub(crate) tip: Tip,
    /// What the commits since the last snapshot have cost.
    pub(crate) log_units: u64,
    /// A bound of the task's size as JSON.
    pub(crate) task_bytes: u64,
    pub(crate) snapshot: Option<Snapshot>,
    /// Up to which version the entry in the head holds everything, where there is one and no snapshot.
    pub(crate) whole: Option<Version>,
    /// The task is known to be in the midst of a turn: its head does not say that the log has come to an end.
    pub(crate) in_turn: bool,
    /// What the names of all index partitions of the task's caller have in common.
    pub(crate) caller: String,
    /// When the first item that the task's content needs expires.
    pub(crate) lasts_until: Option<i64>,
    /// The epoch second at which this was true.
    pub(crate) noted: i64,
}

impl Standing {
    /// The standing before the first commit of a caller's.
    pub(crate) fn empty(incarnation: u64, caller: String, now: i64) -> Self {
        Standing {
            incarnation,
            tip: Tip::ABSENT,
            log_units: 0,
            task_bytes: 0,
            snapshot: None,
            whole: None,
            in_turn: true,
            caller,
            lasts_until: None,
            noted: now,
        }
    }

    /// Where the log stands at a tip that the head has not got to.
    pub(crate) fn of_head(head: &Head, tip: Tip, now: i64) -> Self {
        Standing {
            incarnation: head.incarnation,
            tip,
            log_units: 0,
            task_bytes: head.covered_bytes(),
            snapshot: head.snapshot.clone(),
            whole: head.covers_itself(),
            in_turn: false,
            caller: head.index_caller.clone(),
            lasts_until: None,
            noted: now,
        }
    }

    /// What the last snapshot cost.
    pub(crate) fn snapshot_units(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.units)
    }

    fn is_later_than(&self, other: &Standing) -> bool {
        (self.incarnation, self.tip.version) > (other.incarnation, other.tip.version)
    }

    /// Takes note that the head holds the entry of the only commit.
    pub(crate) fn in_head(&mut self, version: Version) {
        self.log_units = 0;
        self.lasts_until = None;
        self.whole = Some(version);
    }

    /// Takes note of a commit without events: what held all of the version before it holds this one as well.
    pub(crate) fn cover(&mut self, earlier: Version, later: Version) {
        let covers = match &mut self.snapshot {
            Some(snapshot) => Some(&mut snapshot.covers),
            None => self.whole.as_mut(),
        };
        if let Some(covers) = covers.filter(|covers| **covers == earlier) {
            *covers = later;
        }
    }

    /// Tells whether a snapshot, or the head, holds all of this version.
    pub(crate) fn is_covered_at(&self, version: Version) -> bool {
        match &self.snapshot {
            Some(snapshot) => snapshot.covers == version,
            None => self.whole == Some(version),
        }
    }

    /// Takes note of a snapshot of the current version.
    pub(crate) fn summed_up(&mut self, snapshot: Snapshot) {
        self.log_units = 0;
        self.task_bytes = snapshot.bytes;
        self.lasts_until = snapshot.expires();
        self.snapshot = Some(snapshot);
        self.whole = None;
    }
}

/// The sooner of two times; `None` is never.
pub(crate) fn sooner(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.into_iter().chain(b).min()
}

/// What a handle remembers: the most recent standings, as many as two generations hold.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<String, Standing>,
    old: HashMap<String, Standing>,
}

impl Standings {
    /// Returns the standing of a task at this version, if it is no older than `oldest`.
    pub(crate) fn at(&self, pk: &str, version: Version, oldest: i64) -> Option<Standing> {
        let generations = self.lock();
        let standing = generations.young.get(pk).or_else(|| generations.old.get(pk))?;
        (standing.tip.version == version && standing.noted >= oldest).then(|| standing.clone())
    }

    /// Remembers a standing, unless a later one is known.
    pub(crate) fn note(&self, pk: &str, standing: Standing) {
        let mut generations = self.lock();
        let known = generations.young.get(pk).or_else(|| generations.old.get(pk));
        if known.is_some_and(|known| known.is_later_than(&standing)) {
            return;
        }
        if generations.young.len() >= GENERATION && !generations.young.contains_key(pk) {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(pk.to_owned(), standing);
    }

    /// Forgets a task.
    pub(crate) fn forget(&self, pk: &str) {
        let mut generations = self.lock();
        generations.young.remove(pk);
        generations.old.remove(pk);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        // A standing is complete at every moment; a panic elsewhere does not make it wrong.
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(version: u64) -> Standing {
        let tip = Tip { version: Version::new(version), ..Tip::ABSENT };
        Standing { tip, ..Standing::empty(1, String::new(), 100) }
    }

    #[test]
    fn a_tally_counts_for_its_version_while_it_is_fresh() {
        let standings = Standings::default();
        standings.note("t", standing(3));
        assert_eq!(standings.at("t", Version::new(3), 100), Some(standing(3)));
        assert_eq!(standings.at("t", Version::new(2), 100), None);
        assert_eq!(standings.at("t", Version::new(3), 101), None);
        standings.forget("t");
        assert_eq!(standings.at("t", Version::new(3), 100), None);
    }

    #[test]
    fn only_the_recent_tallies_are_kept() {
        let standings = Standings::default();
        for n in 0..3 * GENERATION {
            standings.note(&n.to_string(), standing(1));
        }
        let held = standings.lock();
        assert!(held.young.len() + held.old.len() <= 2 * GENERATION);
        assert!(held.young.contains_key(&(3 * GENERATION - 1).to_string()));
    }
}
