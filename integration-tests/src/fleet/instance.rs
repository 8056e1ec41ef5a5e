//! One instance: its two sockets and what is served on them.

use std::net::SocketAddr;
use std::sync::Arc;

use a2a::AgentCard;
use a2a_bus_memory::MemoryHub;
use a2a_cluster::ClusterBuilder;
use a2a_cluster::bindings::{Limits, grpc_service, http_router};
use a2a_core::{InstanceId, SystemAmbient};
use a2a_server::StaticAgentCard;
use tokio::net::TcpListener;

use super::{Binding, Fleet};

/// Where the bindings of one instance, or of a proxy, are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sockets {
    /// JSON-RPC and REST.
    pub(super) http: SocketAddr,
    pub(super) grpc: SocketAddr,
}

impl Sockets {
    pub(super) fn of(&self, binding: Binding) -> SocketAddr {
        match binding {
            Binding::JsonRpc | Binding::Rest => self.http,
            Binding::Grpc => self.grpc,
        }
    }
}

impl Fleet {
    /// Starts one more instance on free ports.
    pub(super) async fn add(
        &mut self,
        builder: ClusterBuilder,
        hub: &MemoryHub,
        card: &AgentCard,
        limits: &Limits,
    ) {
        let bus = Arc::new(hub.endpoint(InstanceId::generate(&SystemAmbient)));
        let cluster = Arc::new(builder.bus(bus).start().await.unwrap());
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.sockets.push(Sockets { http: http.local_addr().unwrap(), grpc: grpc.local_addr().unwrap() });
        let card = Arc::new(StaticAgentCard::new(card.clone()));
        self.serve(http, http_router(cluster.handler(), card, limits));
        let service = grpc_service(cluster.handler(), limits);
        self.serve(grpc, tonic::service::Routes::new(service).into_axum_router());
        self.clusters.push(cluster);
    }
}
