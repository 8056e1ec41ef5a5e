//! Instances over backends that a test breaks and mends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use a2a_cluster::ClusterBuilder;
use a2a_core::wire::Seal;
use a2a_core::{
    BackendError, BusMessage, Delivery, Endpoint, EventBus, InstanceId, Reach, Recipient, Result,
};
use a2a_server::AgentExecutor;
use a2a_testkit::Weather;

use crate::world::{Bus, Node, Shared, World};

/// A bus whose receive fails while it is deaf.
#[derive(Debug)]
pub(crate) struct Deaf {
    inner: Arc<dyn EventBus>,
    deaf: Arc<AtomicBool>,
}

#[derive(Debug)]
struct DeafEndpoint {
    inner: Arc<dyn Endpoint>,
    deaf: Arc<AtomicBool>,
}

#[async_trait::async_trait]
impl EventBus for Deaf {
    async fn connect(&self, me: &InstanceId, seal: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        let inner = self.inner.connect(me, seal).await?;
        Ok(Arc::new(DeafEndpoint { inner, deaf: Arc::clone(&self.deaf) }))
    }

    async fn release(&self, gone: &InstanceId) -> Result<()> {
        self.inner.release(gone).await
    }
}

#[async_trait::async_trait]
impl Endpoint for DeafEndpoint {
    fn me(&self) -> InstanceId {
        self.inner.me()
    }

    fn reach(&self) -> Reach {
        self.inner.reach()
    }

    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
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
        let deaf = Arc::new(AtomicBool::new(false));
        let wrap = |inner| Arc::new(Deaf { inner, deaf: Arc::clone(&deaf) }) as Arc<dyn EventBus>;
        let shared = Shared { agent, ..Shared::default() };
        let World { nodes, weather, .. } = World::start(instances, bus, shared, wrap, prepare).await;
        Faulty { nodes, weather, deaf }
    }

    pub(crate) async fn shutdown(&self) {
        for node in &self.nodes {
            node.cluster.shutdown(Duration::from_millis(100)).await;
        }
    }
}
