//! One half on AWS and the other in memory: neither may need anything of the other.

use std::sync::Arc;

use a2a_bus_memory::{MemoryBus, MemoryHub};
use a2a_store_memory::MemoryStore;
use async_trait::async_trait;

use super::{Backend, Backends, OnAws, members, memory, new_instance};

/// Tasks in DynamoDB, traffic in memory.
#[derive(Debug)]
pub struct StoreOnAws {
    aws: OnAws,
    hub: MemoryHub,
}

impl StoreOnAws {
    /// As [`OnAws::create`].
    ///
    /// # Panics
    ///
    /// As [`OnAws::create`].
    pub async fn create() -> Option<Self> {
        Some(StoreOnAws { aws: OnAws::create().await?, hub: MemoryBus::hub() })
    }
}

#[async_trait]
impl Backends for StoreOnAws {
    async fn open(&self) -> Backend {
        Backend { store: self.aws.store(), bus: Arc::new(self.hub.endpoint(new_instance())) }
    }

    async fn sweep(&self) {}

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
        Some(TrafficOnAws { aws: OnAws::create().await?, store: Arc::new(memory::store()) })
    }
}

#[async_trait]
impl Backends for TrafficOnAws {
    async fn open(&self) -> Backend {
        Backend { store: self.store.clone(), bus: self.aws.bus().await }
    }

    async fn sweep(&self) {
        self.aws.clean(self.store.clone()).await;
    }

    async fn left(&self) -> Vec<String> {
        let mut left = members(&*self.store).await;
        left.extend(self.aws.resources().await);
        left
    }
}
