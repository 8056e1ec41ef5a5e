//! This project on the in-memory backends, as one instance or as several in one process.

use std::sync::Arc;
use std::time::Duration;

use a2a::AgentCard;
use a2a_bus_memory::MemoryBus;
use a2a_cluster::{Cluster, ClusterBuilder};
use a2a_serve::{HttpWebhooks, bindings};
use a2a_server::StaticAgentCard;
use a2a_store_memory::{MemoryStore, MemoryStoreConfig};
use a2a_testkit::ScriptedAgent;
use axum::Router;
use futures::future::try_join_all;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Error;

/// Serves one instance at each listener, all on one store and one bus.
pub(super) async fn serve(listeners: Vec<TcpListener>, agent: ScriptedAgent) -> Result<(), Error> {
    serve_on(Arc::new(MemoryStore::new()), listeners, agent, |builder| builder, card()).await
}

/// Serves instances that call webhooks on this machine, too. The logs of finished tasks are not kept: what is in memory of
/// them is there for webhooks.
pub(super) async fn serve_hooked(listeners: Vec<TcpListener>, agent: ScriptedAgent) -> Result<(), Error> {
    let store = MemoryStore::with_config(MemoryStoreConfig::default().finished_log_bytes(0));
    let hooked = |builder: ClusterBuilder| builder.webhooks(Arc::new(HttpWebhooks::allowing_local()));
    serve_on(Arc::new(store), listeners, agent, hooked, hooked_card()).await
}

async fn serve_on(
    store: Arc<MemoryStore>,
    listeners: Vec<TcpListener>,
    agent: ScriptedAgent,
    prepare: impl Fn(ClusterBuilder) -> ClusterBuilder,
    card: AgentCard,
) -> Result<(), Error> {
    let bus = Arc::new(MemoryBus::new());
    let mut serving = Vec::new();
    for listener in listeners {
        let (router, cluster) = instance(&store, &bus, agent.clone(), &prepare, &card).await?;
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
    let (store, bus) = (Arc::new(MemoryStore::new()), Arc::new(MemoryBus::new()));
    instance(&store, &bus, agent, |builder| builder, &card()).await
}

async fn instance(
    store: &Arc<MemoryStore>,
    bus: &Arc<MemoryBus>,
    agent: ScriptedAgent,
    prepare: impl Fn(ClusterBuilder) -> ClusterBuilder,
    card: &AgentCard,
) -> Result<(Router, Cluster), Error> {
    let builder = Cluster::builder(Arc::new(agent), card.clone()).store(store.clone()).bus(bus.clone());
    let cluster = prepare(builder).start().await?;
    let card = Arc::new(StaticAgentCard::new(card.clone()));
    let router = bindings::http_router(cluster.handler(), card, &bindings::RequestLimits::default());
    Ok((router, cluster))
}

/// The card of an instance that calls webhooks.
pub(crate) fn hooked_card() -> AgentCard {
    let mut card = card();
    card.capabilities.push_notifications = Some(true);
    card
}

pub(crate) fn card() -> AgentCard {
    let mut card = a2a_testkit::card("benchmark");
    card.capabilities.push_notifications = None;
    card
}
