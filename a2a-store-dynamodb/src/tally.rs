//! What a handle remembers of the logs it writes: sizes, so that a snapshot is written when it pays, and that
//! a version exists, so that a commit costs one request.
//!
//! Nothing here is task content, and nothing here decides a race: the table's conditions do. Who has no tally
//! reads two items first.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use a2a_core::{Tip, Version};

use crate::head::Snapshot;

/// How many tasks each of the two generations holds.
const GENERATION: usize = 8192;

/// The state of one task's log at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) incarnation: u64,
    pub(crate) tip: Tip,
    /// What the commits since the last snapshot have cost.
    pub(crate) log_units: u64,
    /// A bound of the task's size as JSON.
    pub(crate) task_bytes: u64,
    pub(crate) snapshot: Option<Snapshot>,
    /// Up to which version the entry in the head holds everything, where there is one and no snapshot.
    pub(crate) whole: Option<Version>,
    /// When the first item that the task's content needs expires.
    pub(crate) lasts_until: Option<i64>,
    /// The epoch second at which this was true.
    pub(crate) noted: i64,
}

impl Tally {
    /// The tally before the first commit.
    pub(crate) fn empty(incarnation: u64, now: i64) -> Self {
        Tally {
            incarnation,
            tip: Tip::ABSENT,
            log_units: 0,
            task_bytes: 0,
            snapshot: None,
            whole: None,
            lasts_until: None,
            noted: now,
        }
    }

    /// What the last snapshot cost.
    pub(crate) fn snapshot_units(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |snapshot| snapshot.units)
    }

    /// Takes note that nothing happened to the content between two versions: what held the earlier one holds the
    /// later one as well. `false` where neither a snapshot nor the head holds all of the earlier one.
    pub(crate) fn cover(&mut self, earlier: Version, later: Version) -> bool {
        let covers = match &mut self.snapshot {
            Some(snapshot) => Some(&mut snapshot.covers),
            None => self.whole.as_mut(),
        };
        let covers = covers.filter(|covers| **covers == earlier);
        covers.map(|covers| *covers = later).is_some()
    }

    /// Takes note of a snapshot of the current version.
    pub(crate) fn summed_up(&mut self, snapshot: Snapshot) {
        self.log_units = 0;
        self.task_bytes = snapshot.bytes;
        self.lasts_until = snapshot.expires;
        self.snapshot = Some(snapshot);
        self.whole = None;
    }
}

/// The sooner of two times; `None` is never.
pub(crate) fn sooner(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    a.into_iter().chain(b).min()
}

/// The tallies of a handle: the most recent ones, as many as two generations hold.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<String, Tally>,
    old: HashMap<String, Tally>,
}

impl Tallies {
    /// Returns the tally of a task at this version, if it is no older than `oldest`.
    pub(crate) fn at(&self, pk: &str, version: Version, oldest: i64) -> Option<Tally> {
        let generations = self.lock();
        let tally = generations.young.get(pk).or_else(|| generations.old.get(pk))?;
        (tally.tip.version == version && tally.noted >= oldest).then(|| tally.clone())
    }

    /// Remembers a tally.
    pub(crate) fn note(&self, pk: &str, tally: Tally) {
        let mut generations = self.lock();
        if generations.young.len() >= GENERATION && !generations.young.contains_key(pk) {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(pk.to_owned(), tally);
    }

    /// Forgets a task.
    pub(crate) fn forget(&self, pk: &str) {
        let mut generations = self.lock();
        generations.young.remove(pk);
        generations.old.remove(pk);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        // A tally is whole at every moment; a panic elsewhere does not make it wrong.
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(version: u64) -> Tally {
        let tip = Tip { version: Version::new(version), ..Tip::ABSENT };
        Tally { tip, ..Tally::empty(1, 100) }
    }

    #[test]
    fn a_tally_counts_for_its_version_while_it_is_fresh() {
        let tallies = Tallies::default();
        tallies.note("t", tally(3));
        assert_eq!(tallies.at("t", Version::new(3), 100), Some(tally(3)));
        assert_eq!(tallies.at("t", Version::new(2), 100), None);
        assert_eq!(tallies.at("t", Version::new(3), 101), None);
        tallies.forget("t");
        assert_eq!(tallies.at("t", Version::new(3), 100), None);
    }

    #[test]
    fn only_the_recent_tallies_are_kept() {
        let tallies = Tallies::default();
        for n in 0..3 * GENERATION {
            tallies.note(&n.to_string(), tally(1));
        }
        let held = tallies.lock();
        assert!(held.young.len() + held.old.len() <= 2 * GENERATION);
        assert!(held.young.contains_key(&(3 * GENERATION - 1).to_string()));
    }
}
