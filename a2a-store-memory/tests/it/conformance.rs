//! The contracts of a store, sentence by sentence.

use std::sync::Arc;

use a2a_core::Store;
use a2a_store_memory::MemoryStore;
use a2a_testkit::{Fixture, StoreFixture, async_trait};

struct Memory(MemoryStore);

#[async_trait]
impl Fixture for Memory {
    async fn open() -> Option<Self> {
        Some(Memory(MemoryStore::new()))
    }

    async fn close(&self) {}
}

#[async_trait]
impl StoreFixture for Memory {
    async fn handle(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }
}

a2a_testkit::task_store_suite!(Memory);
a2a_testkit::membership_suite!(Memory);
a2a_testkit::push_configs_suite!(Memory);
a2a_testkit::deployment_suite!(Memory);
