//! A store and a bus in this process.

use std::sync::Arc;

use a2a_bus_memory::MemoryBus;
use a2a_store_memory::{MemoryStore, MemoryStoreConfig};
use async_trait::async_trait;

use super::{Backend, Backends, members};

/// One store and one bus, which all instances share.
#[derive(Debug)]
pub struct InMemory {
    store: Arc<MemoryStore>,
    bus: Arc<MemoryBus>,
}

impl Default for InMemory {
    fn default() -> Self {
        InMemory { store: Arc::new(store()), bus: Arc::new(MemoryBus::new()) }
    }
}

/// A store whose logs have room for all that a test says: readers that fall behind a log are told the whole task
/// once more, and what that is like is not what fleets are for. A page of what an instance executes has room for as much
/// as DynamoDB's.
pub fn store() -> MemoryStore {
    let config = MemoryStoreConfig::default().log_commits(10_000).log_bytes(64 * 1024 * 1024);
    MemoryStore::with_config(config.executing_page(100))
}

#[async_trait]
impl Backends for InMemory {
    async fn open(&self) -> Backend {
        Backend { store: self.store.clone(), bus: Some(self.bus.clone()) }
    }

    async fn left(&self) -> Vec<String> {
        members(&*self.store).await
    }
}
