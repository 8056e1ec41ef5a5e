//! The queues of a world of endpoints, by the instance that reads each.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use a2a_core::{InstanceId, Reach, Recipient};

use crate::queue::Queue;

/// Which instance reads which queue.
#[derive(Default)]
pub(crate) struct Queues(RwLock<BTreeMap<InstanceId, Arc<Queue>>>);

impl Queues {
    /// Gives an instance a queue, and returns the one that it had.
    pub(crate) fn insert(&self, who: InstanceId, queue: Arc<Queue>) -> Option<Arc<Queue>> {
        self.write().insert(who, queue)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.read().len()
    }

    /// Takes an instance's queue away.
    pub(crate) fn remove(&self, who: &InstanceId) -> Option<Arc<Queue>> {
        self.write().remove(who)
    }

    /// Returns the queues of those of `to` that are reached at all, in its order; `None` for those who have none.
    pub(crate) fn find(&self, to: &[Recipient]) -> Vec<(InstanceId, Option<Arc<Queue>>)> {
        let queues = self.read();
        let reached = to.iter().filter(|to| to.reach != Reach::Nowhere);
        reached.map(|to| (to.instance, queues.get(&to.instance).cloned())).collect()
    }

    /// Forgets an instance's queue, if it is still this one.
    pub(crate) fn forget(&self, who: InstanceId, queue: &Arc<Queue>) {
        let mut queues = self.write();
        if queues.get(&who).is_some_and(|current| Arc::ptr_eq(current, queue)) {
            queues.remove(&who);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<InstanceId, Arc<Queue>>> {
        // A map operation that panicked has not touched the map.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<InstanceId, Arc<Queue>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
