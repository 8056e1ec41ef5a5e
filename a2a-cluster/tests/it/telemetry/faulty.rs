//! Instances over backends that a test breaks and mends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use a2a_cluster::ClusterBuilder;
use a2a_core::{BackendError, BusMessage, Endpoint, Result};
use a2a_server::AgentExecutor;
use a2a_testkit::Weather;

use crate::world::tapped::{Tap, tapped};
use crate::world::{Bus, Node, Shared, World};

/// While this is true, a bus fails whoever receives.
#[derive(Debug, Default)]
pub(crate) struct Deaf(AtomicBool);

impl Deaf {
    pub(crate) fn set(&self, deaf: bool) {
        self.0.store(deaf, Ordering::Relaxed);
    }
}

#[async_trait::async_trait]
impl Tap for Deaf {
    async fn receive(&self, from: &dyn Endpoint) -> Result<Vec<BusMessage>> {
        while !self.0.load(Ordering::Relaxed) {
            // A bus that breaks while a receive waits fails that receive, too.
            if let Ok(received) = tokio::time::timeout(Duration::from_millis(20), from.receive()).await {
                return received;
            }
        }
        Err(BackendError::Unavailable("the bus is deaf, as it was told".into()))
    }
}

/// Instances, and what a test can do to them.
pub(crate) struct Faulty {
    pub(crate) nodes: Vec<Node>,
    pub(crate) weather: Weather,
    pub(crate) deaf: Arc<Deaf>,
}

impl Faulty {
    pub(crate) async fn start(
        instances: usize,
        bus: Bus,
        agent: Arc<dyn AgentExecutor>,
        prepare: impl Fn(ClusterBuilder) -> ClusterBuilder,
    ) -> Self {
        let deaf = Arc::<Deaf>::default();
        let shared = Shared { agent, ..Shared::default() };
        let world = World::start(instances, bus, shared, |bus| tapped(bus, &deaf), prepare).await;
        let World { nodes, weather, .. } = world;
        Faulty { nodes, weather, deaf }
    }

    pub(crate) async fn shutdown(&self) {
        for node in &self.nodes {
            node.cluster.shutdown(Duration::from_millis(100)).await;
        }
    }
}
