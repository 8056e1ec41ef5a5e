//! Which finished tasks are kept, and of which also the log: the latest ones.

use std::collections::BTreeMap;

use a2a_core::TaskKey;

use crate::MemoryStoreConfig;

/// A task's place among those that finished. A task that is deleted and created anew gets another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u64);

/// The finished tasks in the order in which they finished.
#[derive(Debug, Default)]
pub(crate) struct Retention {
    finished: BTreeMap<Place, Finished>,
    places: u64,
    /// The content of all logs that are kept, in bytes.
    log_bytes: usize,
    /// The logs of all tasks in earlier places are truncated.
    truncated: u64,
}

#[derive(Debug)]
struct Finished {
    key: TaskKey,
    log_bytes: usize,
}

/// What has to go because a task finished.
#[derive(Debug, Default)]
pub(crate) struct Surplus {
    /// The task to delete.
    pub(crate) expired: Option<(Place, TaskKey)>,
    /// The tasks to keep without their log.
    pub(crate) truncated: Vec<(Place, TaskKey)>,
}

impl Retention {
    /// Adds a task that finished with a log of so many bytes; names what is beyond the bounds.
    pub(crate) fn finish(
        &mut self,
        key: &TaskKey,
        log_bytes: usize,
        config: &MemoryStoreConfig,
    ) -> (Place, Surplus) {
        self.places = self.places.wrapping_add(1);
        let place = Place(self.places);
        self.finished.insert(place, Finished { key: key.clone(), log_bytes });
        self.log_bytes = self.log_bytes.saturating_add(log_bytes);

        let mut surplus = Surplus::default();
        if self.finished.len() > config.finished_tasks
            && let Some((oldest, finished)) = self.finished.pop_first()
        {
            self.uncount(oldest, &finished);
            surplus.expired = Some((oldest, finished.key));
        }
        while self.log_bytes > config.finished_log_bytes
            && let Some((oldest, finished)) = self.finished.range(Place(self.truncated)..).next()
        {
            let (oldest, key) = (*oldest, finished.key.clone());
            self.log_bytes = self.log_bytes.saturating_sub(finished.log_bytes);
            self.truncated = oldest.0.wrapping_add(1);
            surplus.truncated.push((oldest, key));
        }
        (place, surplus)
    }

    /// Forgets a task that was deleted.
    pub(crate) fn forget(&mut self, place: Place) {
        if let Some(finished) = self.finished.remove(&place) {
            self.uncount(place, &finished);
        }
    }

    fn uncount(&mut self, place: Place, finished: &Finished) {
        if place.0 >= self.truncated {
            self.log_bytes = self.log_bytes.saturating_sub(finished.log_bytes);
        }
    }
}
