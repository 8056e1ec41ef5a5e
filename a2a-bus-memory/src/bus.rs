//! The bus: which instance reads which queue.

use std::fmt;
use std::sync::Arc;

use a2a_core::wire::Seal;
use a2a_core::{Endpoint, EventBus, InstanceId, Result};
use async_trait::async_trait;

use crate::queue::Queue;
use crate::queues::Queues;
use crate::{MemoryBusConfig, MemoryEndpoint};

/// A world of endpoints that reach each other. Clones are the same world.
#[derive(Clone, Default)]
pub struct MemoryBus {
    config: MemoryBusConfig,
    queues: Arc<Queues>,
}

impl MemoryBus {
    /// Makes a world without endpoints, with the default bounds.
    pub fn new() -> Self {
        MemoryBus::default()
    }

    /// Makes a world without endpoints, whose queues have these bounds.
    pub fn with_config(config: MemoryBusConfig) -> Self {
        MemoryBus { config, queues: Arc::default() }
    }

    /// Opens the endpoint of an instance, at once.
    ///
    /// An instance has one endpoint: an earlier one with the same id is closed.
    pub fn endpoint(&self, me: InstanceId) -> MemoryEndpoint {
        let queue = Arc::new(Queue::new(self.config));
        let earlier = self.queues.insert(me, Arc::clone(&queue));
        if let Some(earlier) = earlier {
            earlier.close();
        }
        MemoryEndpoint::new(me, Arc::clone(&self.queues), queue)
    }
}

#[async_trait]
impl EventBus for MemoryBus {
    async fn connect(&self, me: &InstanceId, _seal: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        // No message leaves the process, so none has to prove where it comes from.
        Ok(Arc::new(self.endpoint(*me)))
    }

    async fn release(&self, gone: &InstanceId) -> Result<()> {
        let left = self.queues.remove(gone);
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
            .field("endpoints", &self.queues.len())
            .finish_non_exhaustive()
    }
}
