//! The hub: which instance reads which queue.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use a2a_core::InstanceId;

use crate::queue::Queue;
use crate::{Config, MemoryBus};

/// A world of endpoints that reach each other. Clones are the same world.
#[derive(Clone, Default)]
pub struct MemoryHub {
    config: Config,
    queues: Arc<RwLock<BTreeMap<InstanceId, Arc<Queue>>>>,
}

impl MemoryHub {
    /// Makes a hub whose queues have these bounds.
    pub fn with_config(config: Config) -> Self {
        MemoryHub { config, queues: Arc::default() }
    }

    /// Opens the endpoint of an instance.
    ///
    /// An instance has one endpoint: an earlier one with the same id is closed.
    pub fn endpoint(&self, me: InstanceId) -> MemoryBus {
        let queue = Arc::new(Queue::new(self.config));
        let earlier = self.write().insert(me, Arc::clone(&queue));
        if let Some(earlier) = earlier {
            earlier.close();
        }
        MemoryBus::new(me, self.clone(), queue)
    }

    /// Returns the queues of `to`, in its order; `None` for those who have none.
    pub(crate) fn find(&self, to: &[InstanceId]) -> Vec<(InstanceId, Option<Arc<Queue>>)> {
        let queues = self.read();
        to.iter().map(|id| (*id, queues.get(id).cloned())).collect()
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
        self.queues.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<InstanceId, Arc<Queue>>> {
        self.queues.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryHub")
            .field("config", &self.config)
            .field("endpoints", &self.read().len())
            .finish_non_exhaustive()
    }
}
