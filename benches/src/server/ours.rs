//! This project on the in-memory backends, as one instance or as several in one process.

use std::sync::Arc;
use std::time::Duration;

use a2a::AgentCard;
use a2a_bus_memory::MemoryBus;
use a2a_cluster::Cluster;
use a2a_serve::bindings;
use a2a_server::StaticAgentCard;
use a2a_store_memory::MemoryStore;
use a2a_testkit::ScriptedAgent;
use axum::Router;
use futures::future::try_join_all;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Error;

/// Serves one instance at each listener, all on one store and one bus.
pub(super) async fn serve(listeners: Vec<TcpListener>, agent: ScriptedAgent) -> Result<(), Error> {
    let store = Arc::new(MemoryStore::new());
    let bus = Arc::new(MemoryBus::new());
    let mut serving = Vec::new();
    for listener in listeners {
        let (router, cluster) = instance(&store, &bus, agent.clone()).await?;
        serving.push(async move {
            // Held here: an instance lives as long as it is served.
            let _cluster = cluster;
            bindings::serve(listener, router, CancellationToken::new(), Duration::ZERO).await
        });
    }
    try_join_all(serving).await?;
    Ok(())
}

/// Starts one instance that nobody serves yet.
pub(crate) async fn alone(agent: ScriptedAgent) -> Result<(Router, Cluster), Error> {
    instance(&Arc::new(MemoryStore::new()), &Arc::new(MemoryBus::new()), agent).await
}

async fn instance(
    store: &Arc<MemoryStore>,
    bus: &Arc<MemoryBus>,
    agent: ScriptedAgent,
) -> Result<(Router, Cluster), Error> {
    let cluster =
        Cluster::builder(Arc::new(agent), card()).store(store.clone()).bus(bus.clone()).start().await?;
    let card = Arc::new(StaticAgentCard::new(card()));
    let router = bindings::http_router(cluster.handler(), card, &bindings::RequestLimits::default());
    Ok((router, cluster))
}

pub(crate) fn card() -> AgentCard {
    let mut card = a2a_testkit::card("benchmark");
    card.capabilities.push_notifications = None;
    card
}
