//! The instances of this process: sockets, card, cluster, and the way to start and stop them together.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use a2a_cluster::{Config, WebhookTransport};
use a2a_core::{InstanceId, SystemEnv, TaskStore};
use a2a_serve::{Cors, GatewayHeader, HttpWebhooks, Metrics, Server, ServerError, Serving};
use axum::http::HeaderName;
use futures::future::join_all;
use tokio::net::TcpListener;

use crate::agent::BuiltIn;
use crate::backends::Backends;
use crate::card::{Addresses, card};
use crate::label;
use crate::listen::{self, ListenError};

/// What to start, and where.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The address of the first instance's HTTP bindings.
    pub(crate) listen: SocketAddr,
    /// The address of the first instance's gRPC binding; `None` serves none.
    pub(crate) grpc_listen: Option<SocketAddr>,
    /// How many instances there are.
    pub(crate) instances: u16,
    /// The base URL that the cards name instead of the sockets' own.
    pub(crate) public_url: Option<String>,
    /// The gRPC URL that the cards name instead of the sockets' own.
    pub(crate) public_grpc_url: Option<String>,
    /// What calls webhooks.
    pub(crate) webhooks: Arc<dyn WebhookTransport>,
    /// The header by which a gateway tells callers apart; `None`: everybody is one.
    pub(crate) principal_header: Option<HeaderName>,
    /// Whose scripts may call; `None`: nobody's.
    pub(crate) cors: Option<Cors>,
    /// For which hosts requests are answered; none: see [`Server::hosts`].
    pub(crate) hosts: Vec<String>,
    /// Durations, bounds and what becomes of lost tasks.
    pub(crate) config: Config,
    /// How much each socket takes; `None`: see [`Server`].
    pub(crate) bounds: Option<SocketBounds>,
    /// What is served at `/metrics`; `None` serves none.
    pub(crate) metrics: Option<Metrics>,
    /// What people call this process; `None`: as its host.
    pub(crate) name: Option<String>,
}

/// How much a socket takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SocketBounds {
    /// How many connections it may have open.
    pub(crate) connections: usize,
    /// How many streams one of them may have open over HTTP/2.
    pub(crate) streams_per_connection: u32,
    /// How long one of them may have no request open.
    pub(crate) idle_timeout: Duration,
}

impl Layout {
    /// So many instances on free loopback ports, without gRPC.
    pub(crate) fn on_loopback(instances: u16, config: Config) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            grpc_listen: None,
            instances,
            public_url: None,
            public_grpc_url: None,
            webhooks: Arc::new(HttpWebhooks::new()),
            principal_header: None,
            cors: None,
            hosts: Vec::new(),
            config,
            bounds: None,
            metrics: None,
            name: None,
        }
    }

    /// What people and metrics call the instance of this number.
    fn label(&self, number: usize) -> String {
        let name = self.name.clone().unwrap_or_else(label::host);
        label::of_instance(&name, number, self.instances)
    }

    /// The addresses that a card names: those of the sockets, unless clients come by another way.
    fn named(&self, sockets: &Addresses) -> Addresses {
        let http = self.public_url.clone().unwrap_or_else(|| sockets.http.clone());
        // One address is the whole agent; but gRPC has no base path that it could be under.
        let shared = (!has_path(&http)).then(|| http.clone());
        let grpc = self.public_grpc_url.clone().or_else(|| sockets.grpc.clone()).or(shared);
        Addresses { http, grpc }
    }
}

/// Tells whether a base URL has a path.
fn has_path(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'))
}

/// Why the instances do not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// A socket cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A socket's own address cannot be read.
    #[error("a socket has no address")]
    Address(#[source] std::io::Error),
    /// An instance does not start.
    #[error(transparent)]
    Serve(#[from] ServerError),
}

/// One running instance.
#[derive(Debug)]
pub(crate) struct Instance {
    /// Where its own sockets are, whatever its card says.
    pub(crate) sockets: Addresses,
    serving: Serving,
}

impl Instance {
    /// Its identity in the cluster; another one after an eviction.
    pub(crate) fn id(&self) -> InstanceId {
        self.serving.cluster().id()
    }
}

/// All running instances and their backends.
#[derive(Debug)]
pub(crate) struct Fleet {
    instances: Vec<Instance>,
    backends: Backends,
}

impl Fleet {
    /// Binds all sockets, then starts all instances.
    ///
    /// # Errors
    ///
    /// A [`StartError`] for the first thing that fails; what was started before is shut down.
    pub(crate) async fn start(layout: Layout, backends: Backends) -> Result<Self, StartError> {
        let http = listen::consecutive(layout.listen, layout.instances).await?;
        let grpc = match layout.grpc_listen {
            Some(first) => listen::consecutive(first, layout.instances).await?,
            None => Vec::new(),
        };
        let mut grpc = grpc.into_iter();
        let mut fleet = Self { instances: Vec::new(), backends };
        for (number, http) in (1..).zip(http) {
            let label = layout.label(number);
            match start(&layout, &fleet.backends, label, http, grpc.next()).await {
                Ok(instance) => fleet.instances.push(instance),
                Err(error) => {
                    fleet.shutdown(Duration::ZERO, Duration::ZERO).await;
                    return Err(error);
                }
            }
        }
        Ok(fleet)
    }

    /// The instances in the order of their ports.
    pub(crate) fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// How many agents run in this process now.
    pub(crate) fn running(&self) -> usize {
        self.instances.iter().map(|instance| instance.serving.cluster().running()).sum()
    }

    /// The store, for who wants to see the truth.
    pub(crate) fn tasks(&self) -> &dyn TaskStore {
        &*self.backends.store
    }

    /// Drains all instances at once: not ready, then after `delay` no new work, `grace` for what runs, and the sockets close.
    /// Returns when nothing runs any more.
    pub(crate) async fn shutdown(&self, delay: Duration, grace: Duration) {
        join_all(self.instances.iter().map(|instance| instance.serving.shutdown(delay, grace))).await;
    }
}

async fn start(
    layout: &Layout,
    backends: &Backends,
    label: String,
    http: TcpListener,
    grpc: Option<TcpListener>,
) -> Result<Instance, StartError> {
    let sockets = Addresses { http: url(&http)?, grpc: grpc.as_ref().map(url).transpose()? };
    let Backends { store, bus } = backends.clone();
    let mut server = Server::new(BuiltIn::new(Arc::new(SystemEnv)), card(&layout.named(&sockets)))
        .store(store)
        .bus(bus)
        .config(layout.config.clone())
        .webhooks(Arc::clone(&layout.webhooks))
        .label(label)
        .listener(http);
    if let Some(header) = &layout.principal_header {
        server = server.callers(Arc::new(GatewayHeader::new(header.clone())));
    }
    if let Some(cors) = &layout.cors {
        server = server.cors(cors.clone());
    }
    if !layout.hosts.is_empty() {
        server = server.hosts(layout.hosts.iter().cloned());
    }
    if let Some(bounds) = layout.bounds {
        server = server.connections(bounds.connections).streams_per_connection(bounds.streams_per_connection);
        server = server.idle_timeout(bounds.idle_timeout);
    }
    if let Some(metrics) = &layout.metrics {
        server = server.metrics(metrics.clone());
    }
    if let Some(grpc) = grpc {
        server = server.grpc_listener(grpc);
    }
    Ok(Instance { sockets, serving: server.serve().await? })
}

/// The URL by which a socket is reached from here.
fn url(listener: &TcpListener) -> Result<String, StartError> {
    let address = listener.local_addr().map_err(StartError::Address)?;
    Ok(format!("http://{}", listen::reachable(address)))
}
