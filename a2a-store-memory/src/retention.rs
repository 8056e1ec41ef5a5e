//! Which finished tasks are kept: the latest ones.

use std::collections::BTreeMap;

use a2a_core::TaskKey;

/// A task's place among those that finished. A task that is deleted and created anew gets another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u64);

/// The finished tasks in the order in which they finished.
#[derive(Debug, Default)]
pub(crate) struct Retention {
    finished: BTreeMap<Place, TaskKey>,
    places: u64,
}

impl Retention {
    /// Adds a task that finished; names the one to delete when more than `limit` are kept.
    pub(crate) fn finish(&mut self, key: &TaskKey, limit: usize) -> (Place, Option<(Place, TaskKey)>) {
        self.places = self.places.wrapping_add(1);
        let place = Place(self.places);
        self.finished.insert(place, key.clone());
        let surplus = (self.finished.len() > limit).then(|| self.finished.pop_first()).flatten();
        (place, surplus)
    }

    /// Forgets a task that was deleted.
    pub(crate) fn forget(&mut self, place: Place) {
        self.finished.remove(&place);
    }
}
