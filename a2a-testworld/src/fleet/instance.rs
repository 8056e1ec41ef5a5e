//! One instance: a runtime of its own, its two sockets and what is served on them.

use std::sync::Arc;
use std::time::Duration;

use a2a::AgentCard;
use a2a_cluster::{Cluster, ClusterBuilder};
use a2a_serve::bindings::{RequestLimits, grpc_service, http_router};
use a2a_server::StaticAgentCard;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backends::Backends;
use crate::sockets::Sockets;

/// How long open connections may last once the instance has shut down.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// A running instance. Dropping it ends it as a crash does.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) sockets: Sockets,
    pub(super) cluster: Arc<Cluster>,
    servers: TaskTracker,
    stop: CancellationToken,
    /// With its own threads, so that it can end at once with everything that it does. There until the drop.
    runtime: Option<Runtime>,
}

impl Instance {
    /// Starts an instance on free ports.
    pub(super) async fn start(
        builder: ClusterBuilder,
        backends: Arc<dyn Backends>,
        card: AgentCard,
        limits: RequestLimits,
    ) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (servers, stop) = (TaskTracker::new(), CancellationToken::new());
        let (tracker, stopping) = (servers.clone(), stop.clone());
        let starting = async move {
            let backend = backends.open().await;
            let builder = builder.store(backend.store);
            let builder = match backend.bus {
                Some(bus) => builder.bus(bus),
                None => builder,
            };
            let cluster = Arc::new(builder.start().await.unwrap());
            let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let sockets = Sockets { http: http.local_addr().unwrap(), grpc: grpc.local_addr().unwrap() };
            let service = grpc_service(cluster.handler(), &limits);
            let card = Arc::new(StaticAgentCard::new(card));
            let routers = [
                (http, http_router(cluster.handler(), card, &limits)),
                (grpc, tonic::service::Routes::new(service).into_axum_router()),
            ];
            for (listener, router) in routers {
                let stop = stopping.clone();
                tracker.spawn(async move {
                    a2a_serve::bindings::serve(listener, router, stop, LAST_WORDS).await.unwrap();
                });
            }
            (cluster, sockets)
        };
        let (cluster, sockets) = servers.spawn_on(starting, runtime.handle()).await.unwrap();
        Instance { sockets, cluster, servers, stop, runtime: Some(runtime) }
    }

    /// Ends it as an operator does, with a grace for agents.
    pub(super) async fn shutdown(self, grace: Duration) {
        let Some(runtime) = &self.runtime else { return };
        let cluster = Arc::clone(&self.cluster);
        let stopping = async move { drop(cluster.shutdown(grace).await) };
        self.servers.spawn_on(stopping, runtime.handle()).await.unwrap();
        self.stop.cancel();
        self.servers.close();
        self.servers.wait().await;
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
