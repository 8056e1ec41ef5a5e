//! The store and the bus that the instances of this process share.

use std::sync::Arc;

use a2a_bus_memory::MemoryBus;
use a2a_core::{EventBus, Store};
use a2a_store_memory::{MemoryStore, MemoryStoreConfig};

use crate::aws::{self, OpenError};
use crate::cli::Choice;

/// Backends that are open, ready for any number of instances.
#[derive(Debug, Clone)]
pub(crate) struct Backends {
    /// Where everything is kept.
    pub(crate) store: Arc<dyn Store>,
    /// How instances reach each other.
    pub(crate) bus: Arc<dyn EventBus>,
}

impl Backends {
    /// Opens what was chosen.
    ///
    /// # Errors
    ///
    /// An [`OpenError`] that an operator can act on; backends in memory never fail.
    pub(crate) async fn open(choice: Choice) -> Result<Self, OpenError> {
        match choice {
            Choice::Memory => Ok(Self::in_memory(MemoryStore::new())),
            Choice::Aws(place) => {
                let (store, bus) = aws::open(place).await?;
                Ok(Self { store, bus })
            }
        }
    }

    /// Opens backends in memory that keep every commit of a few tasks, so that one can count them afterwards.
    pub(crate) fn keeping_whole_logs() -> Self {
        let config = MemoryStoreConfig::default().log_commits(100_000).log_bytes(64 * 1024 * 1024);
        Self::in_memory(MemoryStore::with_config(config))
    }

    fn in_memory(store: MemoryStore) -> Self {
        Self { store: Arc::new(store), bus: Arc::new(MemoryBus::new()) }
    }
}
