//! The store and the bus that the instances of this process share.

use std::sync::Arc;
use std::time::Duration;

use a2a_bus_memory::{MemoryBus, MemoryHub};
use a2a_core::{BackendError, EventBus, InstanceId, Membership, Store};
use a2a_store_memory::{Config, MemoryStore};

/// What to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Store and bus within this process.
    Memory,
    /// A table, and a topic with queues where there is one.
    Aws {
        /// The table's name.
        table: String,
        /// The topic's ARN. Without one, only the instances of this process tell each other what is new.
        topic_arn: Option<String>,
        /// What the queues' names begin with.
        queue_prefix: String,
        /// For how long finished tasks are kept; `None` for ever.
        task_retention: Option<Duration>,
    },
}

/// Backends that are open, ready for any number of instances.
#[derive(Debug, Clone)]
pub(crate) struct Backends {
    /// Where tasks and push configs are kept.
    pub(crate) store: Arc<dyn Store>,
    /// Where members are kept.
    pub(crate) members: Arc<dyn Membership>,
    /// How they reach each other.
    pub(crate) bus: Bus,
}

/// How instances reach each other.
#[derive(Debug, Clone)]
pub(crate) enum Bus {
    /// Within this process.
    Memory(MemoryHub),
    /// Over a topic and queues.
    #[cfg(feature = "aws")]
    SnsSqs(Arc<crate::aws::Endpoints>),
}

impl Backends {
    /// Opens backends in memory.
    pub(crate) fn in_memory() -> Self {
        Self::of_memory(MemoryStore::new())
    }

    /// Opens backends in memory that keep every commit of a few tasks, so that one can count them afterwards.
    pub(crate) fn keeping_whole_logs() -> Self {
        let config = Config::default().log_commits(100_000).log_bytes(64 * 1024 * 1024);
        Self::of_memory(MemoryStore::with_config(config))
    }

    fn of_memory(store: MemoryStore) -> Self {
        let store = Arc::new(store);
        Self { store: store.clone(), members: store, bus: Bus::Memory(MemoryBus::hub()) }
    }

    /// Opens an instance's end of the bus.
    ///
    /// # Errors
    ///
    /// As the bus says; a bus in memory never fails.
    pub(crate) async fn bus(&self, me: InstanceId) -> Result<Arc<dyn EventBus>, BackendError> {
        match &self.bus {
            Bus::Memory(hub) => Ok(Arc::new(hub.endpoint(me))),
            #[cfg(feature = "aws")]
            Bus::SnsSqs(endpoints) => endpoints.open(me).await,
        }
    }
}
