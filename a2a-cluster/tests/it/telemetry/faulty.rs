//! Instances over backends that a test breaks and mends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use a2a_bus_memory::MemoryBus;
use a2a_cluster::{Cluster, ClusterBuilder};
use a2a_core::{BackendError, BusMessage, Delivery, EventBus, InstanceId, Result, SystemEnv};
use a2a_server::AgentExecutor;
use a2a_store_memory::MemoryStore;
use a2a_testkit::{FaultyBus, FaultyStore, Weather};

use crate::world::{Bus, Node, card};

/// A bus whose receive fails while it is deaf.
#[derive(Debug)]
pub(crate) struct Deaf {
    inner: Arc<dyn EventBus>,
    deaf: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl EventBus for Deaf {
    fn me(&self) -> InstanceId {
        self.inner.me()
    }

    async fn send(&self, to: &[InstanceId], message: &BusMessage) -> Result<Delivery> {
        self.inner.send(to, message).await
    }

    async fn receive(&self) -> Result<Vec<BusMessage>> {
        while !self.deaf.load(Ordering::Relaxed) {
            // A bus that breaks while a receive waits fails that receive, too.
            if let Ok(received) = tokio::time::timeout(Duration::from_millis(20), self.inner.receive()).await
            {
                return received;
            }
        }
        Err(BackendError::Unavailable("the bus is deaf, as it was told".into()))
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

/// Instances, and what a test can do to them.
pub(crate) struct Faulty {
    pub(crate) nodes: Vec<Node>,
    pub(crate) weather: Weather,
    pub(crate) deaf: Arc<AtomicBool>,
}

impl Faulty {
    pub(crate) async fn start(
        instances: usize,
        bus: Bus,
        agent: Arc<dyn AgentExecutor>,
        prepare: impl Fn(ClusterBuilder) -> ClusterBuilder,
    ) -> Self {
        let (weather, deaf) = (Weather::calm(), Arc::new(AtomicBool::new(false)));
        let (store, hub) = (Arc::new(MemoryStore::new()), MemoryBus::hub());
        let mut nodes = Vec::new();
        for n in 0..instances {
            let id = InstanceId::generate(&SystemEnv);
            let store = FaultyStore::new(store.clone(), weather.clone(), n as u64).used_by(id);
            let endpoint = bus.spoil(Arc::new(hub.endpoint(id)), n as u64);
            let endpoint = FaultyBus::new(endpoint, weather.clone(), n as u64);
            let endpoint: Arc<dyn EventBus> =
                Arc::new(Deaf { inner: Arc::new(endpoint), deaf: Arc::clone(&deaf) });
            let builder = Cluster::builder(Arc::clone(&agent), card()).store(Arc::new(store)).bus(endpoint);
            let cluster = prepare(builder).start().await.unwrap();
            let handler = cluster.handler();
            nodes.push(Node { cluster, handler });
        }
        Faulty { nodes, weather, deaf }
    }

    pub(crate) async fn shutdown(&self) {
        for node in &self.nodes {
            node.cluster.shutdown(Duration::from_millis(100)).await;
        }
    }
}
