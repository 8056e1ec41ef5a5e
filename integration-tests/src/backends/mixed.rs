//! One half on AWS and the other in memory: neither may need anything of the other.

use std::sync::Arc;

use a2a_bus_memory::MemoryBus;
use a2a_store_memory::MemoryStore;
use a2a_testworld::backends::{Backend, Backends, members, store};
use async_trait::async_trait;

use super::OnAws;

/// Tasks in DynamoDB, traffic in memory.
#[derive(Debug)]
pub struct StoreOnAws {
    aws: OnAws,
    bus: Arc<MemoryBus>,
}

impl StoreOnAws {
    /// As [`OnAws::create`].
    ///
    /// # Panics
    ///
    /// As [`OnAws::create`].
    pub async fn create() -> Option<Self> {
        Some(StoreOnAws { aws: OnAws::create().await?, bus: Arc::new(MemoryBus::new()) })
    }
}

#[async_trait]
impl Backends for StoreOnAws {
    async fn open(&self) -> Backend {
        Backend { store: Arc::new(self.aws.store()), bus: Some(self.bus.clone()) }
    }

    async fn left(&self) -> Vec<String> {
        self.aws.left().await
    }
}

/// Tasks in memory, traffic over SNS and SQS.
#[derive(Debug)]
pub struct TrafficOnAws {
    aws: OnAws,
    store: Arc<MemoryStore>,
}

impl TrafficOnAws {
    /// As [`OnAws::create`].
    ///
    /// # Panics
    ///
    /// As [`OnAws::create`].
    pub async fn create() -> Option<Self> {
        Some(TrafficOnAws { aws: OnAws::create().await?, store: Arc::new(store()) })
    }
}

#[async_trait]
impl Backends for TrafficOnAws {
    async fn open(&self) -> Backend {
        Backend { store: self.store.clone(), bus: Some(self.aws.bus()) }
    }

    async fn left(&self) -> Vec<String> {
        let mut left = members(&*self.store).await;
        left.extend(self.aws.resources().await);
        left
    }
}
