//! The bus: which instance reads which queue.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use a2a_core::wire::Seal;
use a2a_core::{Endpoint, EventBus, InstanceId, Reach, Recipient, Result};
use async_trait::async_trait;

use crate::queue::Queue;
use crate::{Config, MemoryEndpoint};

/// A world of endpoints that reach each other. Clones are the same world.
#[derive(Clone, Default)]
pub struct MemoryBus {
    config: Config,
    queues: Arc<RwLock<BTreeMap<InstanceId, Arc<Queue>>>>,
}

impl MemoryBus {
    /// Makes a world without endpoints, with the default bounds.
    pub fn new() -> Self {
        MemoryBus::default()
    }

    /// Makes a world without endpoints, whose queues have these bounds.
    pub fn with_config(config: Config) -> Self {
        MemoryBus { config, queues: Arc::default() }
    }

    /// Opens the endpoint of an instance, at once.
    ///
    /// An instance has one endpoint: an earlier one with the same id is closed.
    pub fn endpoint(&self, me: InstanceId) -> MemoryEndpoint {
        let queue = Arc::new(Queue::new(self.config));
        let earlier = self.write().insert(me, Arc::clone(&queue));
        if let Some(earlier) = earlier {
            earlier.close();
        }
        MemoryEndpoint::new(me, self.clone(), queue)
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
        self.queues.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<InstanceId, Arc<Queue>>> {
        self.queues.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventBus for MemoryBus {
    async fn connect(&self, me: &InstanceId, _seal: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        // No message leaves the process, so none has to prove where it comes from.
        Ok(Arc::new(self.endpoint(*me)))
    }

    async fn release(&self, gone: &InstanceId) -> Result<()> {
        let left = self.write().remove(gone);
        if let Some(queue) = left {
            queue.close();
        }
        Ok(())
    }
}

impl fmt::Debug for MemoryBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBus")
            .field("config", &self.config)
            .field("endpoints", &self.read().len())
            .finish_non_exhaustive()
    }
}
