//! The store and the bus that the instances of this process share.

use std::sync::Arc;

use a2a_bus_memory::{MemoryBus, MemoryHub};
use a2a_core::{EventBus, InstanceId};
use a2a_store_memory::{Config, MemoryStore};

use crate::cli::{BusKind, StoreKind};

/// Backends that are open, ready for any number of instances.
#[derive(Debug, Clone)]
pub(crate) struct Backends {
    /// Where tasks, members and push configs are kept.
    pub(crate) store: Arc<MemoryStore>,
    hub: MemoryHub,
}

impl Backends {
    /// Opens the backends that were asked for.
    pub(crate) fn open(store: StoreKind, bus: BusKind) -> Self {
        let store = match store {
            StoreKind::Memory => Arc::new(MemoryStore::new()),
        };
        let hub = match bus {
            BusKind::Memory => MemoryBus::hub(),
        };
        Self { store, hub }
    }

    /// Opens backends in memory that keep every commit of a few tasks, so that one can count them afterwards.
    pub(crate) fn keeping_whole_logs() -> Self {
        let config = Config::default().log_commits(100_000).log_bytes(64 * 1024 * 1024);
        Self { store: Arc::new(MemoryStore::with_config(config)), hub: MemoryBus::hub() }
    }

    /// Opens an instance's end of the bus.
    pub(crate) fn bus(&self, me: InstanceId) -> Arc<dyn EventBus> {
        Arc::new(self.hub.endpoint(me))
    }
}
