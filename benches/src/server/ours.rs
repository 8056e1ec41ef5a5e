//! This project on the in-memory backends, as one instance or as several in one process.

use std::sync::Arc;
use std::time::Duration;

use a2a::{AgentCapabilities, AgentCard};
use a2a_bus_memory::MemoryBus;
use a2a_cluster::{Cluster, bindings};
use a2a_server::StaticAgentCard;
use a2a_store_memory::MemoryStore;
use axum::Router;
use futures::future::try_join_all;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::agent::Scripted;
use crate::Error;
use crate::script::Go;

/// Serves one instance at each listener, all on one store and one bus.
pub(super) async fn serve(listeners: Vec<TcpListener>, go: Go) -> Result<(), Error> {
    let store = Arc::new(MemoryStore::new());
    let bus = Arc::new(MemoryBus::new());
    let mut serving = Vec::new();
    for listener in listeners {
        let (router, cluster) = instance(&store, &bus, go.clone()).await?;
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
pub(crate) async fn alone(go: Go) -> Result<(Router, Cluster), Error> {
    instance(&Arc::new(MemoryStore::new()), &Arc::new(MemoryBus::new()), go).await
}

async fn instance(
    store: &Arc<MemoryStore>,
    bus: &Arc<MemoryBus>,
    go: Go,
) -> Result<(Router, Cluster), Error> {
    let cluster = Cluster::builder(Arc::new(Scripted(go)), card())
        .store(store.clone())
        .bus(bus.clone())
        .start()
        .await?;
    let card = Arc::new(StaticAgentCard::new(card()));
    let router = bindings::http_router(cluster.handler(), card, &bindings::Limits::default());
    Ok((router, cluster))
}

pub(crate) fn card() -> AgentCard {
    AgentCard {
        name: "benchmark".into(),
        description: "an agent that plays scripts".into(),
        version: "1".into(),
        supported_interfaces: vec![],
        capabilities: AgentCapabilities {
            streaming: Some(true),
            push_notifications: None,
            extended_agent_card: None,
            extensions: None,
        },
        default_input_modes: vec!["text/plain".into()],
        default_output_modes: vec!["text/plain".into()],
        skills: vec![],
        provider: None,
        documentation_url: None,
        icon_url: None,
        security_schemes: None,
        security_requirements: None,
        signatures: None,
    }
}
