//! The tasks that this instance is recorded as a watcher of: whoever leaves takes itself off each of them, also where an
//! earlier attempt failed or was cut short.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use a2a_core::TaskKey;

/// Each such task, with a number for each time that it was begun to be watched.
#[derive(Debug, Default)]
pub(super) struct Watching(Mutex<BTreeMap<TaskKey, u64>>);

impl Watching {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<TaskKey, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store is about to be told that this instance watches a task.
    pub(super) fn begin(&self, key: &TaskKey) {
        let mut tasks = self.lock();
        let times = tasks.entry(key.clone()).or_default();
        *times = times.wrapping_add(1);
    }

    /// How often it was begun to be watched.
    pub(super) fn last(&self, key: &TaskKey) -> Option<u64> {
        self.lock().get(key).copied()
    }

    /// The store has unregistered this instance, which had begun to watch so often then: a later time counts.
    pub(super) fn end(&self, key: &TaskKey, last: Option<u64>) {
        let mut tasks = self.lock();
        if tasks.get(key).copied() == last {
            tasks.remove(key);
        }
    }

    /// The task is over: what is recorded of its watchers goes with it.
    pub(super) fn forget(&self, key: &TaskKey) {
        self.lock().remove(key);
    }

    /// Takes all.
    pub(super) fn take(&self) -> Vec<TaskKey> {
        std::mem::take(&mut *self.lock()).into_keys().collect()
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::Tenant;

    use super::*;

    #[test]
    fn a_task_that_is_watched_again_meanwhile_stays() {
        let (watching, key) = (Watching::default(), TaskKey::new(Tenant::default(), "t"));
        watching.begin(&key);
        let before = watching.last(&key);
        watching.begin(&key);
        watching.end(&key, before);
        assert_eq!(watching.take().first(), Some(&key));
        watching.begin(&key);
        watching.end(&key, watching.last(&key));
        assert_eq!(watching.take(), []);
    }
}
