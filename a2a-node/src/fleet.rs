//! The instances of this process: sockets, card, cluster, and the way to start and stop them together.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use a2a_cluster::bindings::{self, Limits};
use a2a_cluster::{Cluster, Config, StartError as ClusterError, WebhookTransport};
use a2a_core::{InstanceId, SystemEnv, TaskStore};
use a2a_serve::HttpWebhooks;
use a2a_server::StaticAgentCard;
use axum::Router;
use futures::future::join_all;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::agent::BuiltIn;
use crate::backends::Backends;
use crate::card::{Addresses, card};
use crate::health;
use crate::label;
use crate::listen::{self, ListenError};
use crate::metrics::Metrics;
use crate::principal::Callers;

/// How long answers that are on their way out may take once the instances have stopped.
const LAST_WORDS: Duration = Duration::from_secs(2);

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
    /// Whether webhooks to loopback and private addresses are accepted.
    pub(crate) allow_local_webhooks: bool,
    /// How callers are told apart.
    pub(crate) callers: Callers,
    /// Durations, bounds and what becomes of lost tasks.
    pub(crate) config: Config,
    /// What is served at `/metrics`; `None` serves none.
    pub(crate) metrics: Option<Metrics>,
    /// What people call this process; `None` names it by its host.
    pub(crate) name: Option<String>,
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
            allow_local_webhooks: false,
            callers: Callers::One,
            config,
            metrics: None,
            name: None,
        }
    }

    /// What calls webhooks.
    fn webhooks(&self) -> Arc<dyn WebhookTransport> {
        Arc::new(if self.allow_local_webhooks { HttpWebhooks::allowing_local() } else { HttpWebhooks::new() })
    }

    /// What people and metrics call the instance on this port.
    fn label(&self, port: u16) -> String {
        match &self.name {
            Some(name) if self.instances == 1 => name.clone(),
            Some(name) => format!("{name}:{port}"),
            // Several processes may run on one host.
            None => format!("{}:{port}", label::host()),
        }
    }

    /// The addresses that a card names: those of the sockets, unless clients come by another way.
    fn named(&self, sockets: &Addresses) -> Addresses {
        Addresses {
            http: self.public_url.clone().unwrap_or_else(|| sockets.http.clone()),
            grpc: sockets.grpc.as_ref().map(|own| self.public_grpc_url.as_ref().unwrap_or(own).clone()),
        }
    }
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
    /// The store refuses a new instance.
    #[error(transparent)]
    Join(#[from] ClusterError),
}

/// One running instance.
#[derive(Debug)]
pub(crate) struct Instance {
    /// Where its own sockets are, whatever its card says.
    pub(crate) sockets: Addresses,
    cluster: Arc<Cluster>,
}

impl Instance {
    /// Its identity in the cluster; another one after an eviction.
    pub(crate) fn id(&self) -> InstanceId {
        self.cluster.id()
    }
}

/// All running instances and their backends.
#[derive(Debug)]
pub(crate) struct Fleet {
    instances: Vec<Instance>,
    backends: Backends,
    servers: TaskTracker,
    stop: CancellationToken,
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
        let mut fleet = Self {
            instances: Vec::new(),
            backends,
            servers: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        if let Some(metrics) = &layout.metrics {
            let upkeep = fleet.stop.clone().run_until_cancelled_owned(metrics.upkeep());
            fleet.servers.spawn(upkeep);
        }
        for http in http {
            if let Err(error) = fleet.add(&layout, http, grpc.next()).await {
                fleet.shutdown(Duration::ZERO).await;
                return Err(error);
            }
        }
        Ok(fleet)
    }

    /// The instances in the order of their ports.
    pub(crate) fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// The store, for who wants to see the truth.
    pub(crate) fn tasks(&self) -> &dyn TaskStore {
        &*self.backends.store
    }

    /// Drains all instances at once, then closes the sockets: not ready, no new work, `grace` for what runs. Returns
    /// when nothing runs any more.
    pub(crate) async fn shutdown(&self, grace: Duration) {
        let left = join_all(self.instances.iter().map(|instance| instance.cluster.shutdown(grace))).await;
        for task in left.iter().flat_map(|left| &left.not_stopped) {
            tracing::warn!(%task, "an agent did not stop in time; its task is handed over");
        }
        self.stop.cancel();
        self.servers.close();
        self.servers.wait().await;
    }

    async fn add(
        &mut self,
        layout: &Layout,
        http: TcpListener,
        grpc: Option<TcpListener>,
    ) -> Result<(), StartError> {
        let sockets = Addresses { http: url(&http)?, grpc: grpc.as_ref().map(url).transpose()? };
        let port = http.local_addr().map_err(StartError::Address)?.port();
        let card = card(&layout.named(&sockets));
        let Backends { store, bus } = self.backends.clone();
        let cluster = Cluster::builder(Arc::new(BuiltIn::new(Arc::new(SystemEnv))), card.clone())
            .store(store)
            .bus(bus)
            .config(layout.config.clone())
            .callers(Arc::new(layout.callers.clone()))
            .webhooks(layout.webhooks())
            .label(layout.label(port))
            .start()
            .await?;
        let (cluster, limits) = (Arc::new(cluster), Limits::default());
        let routes = bindings::http_router(cluster.handler(), Arc::new(StaticAgentCard::new(card)), &limits);
        let scraped = layout.metrics.as_ref().map(Metrics::routes).unwrap_or_default();
        self.serve(http, routes.merge(health::routes(readiness(&cluster))).merge(scraped));
        if let Some(grpc) = grpc {
            let service = bindings::grpc_service(cluster.handler(), &limits);
            self.serve(grpc, tonic::service::Routes::new(service).into_axum_router());
        }
        self.instances.push(Instance { sockets, cluster });
        Ok(())
    }

    fn serve(&self, listener: TcpListener, routes: Router) {
        let stop = self.stop.clone();
        self.servers.spawn(async move {
            if let Err(error) = bindings::serve(listener, routes, stop, LAST_WORDS).await {
                tracing::error!(%error, "a socket is not served any more");
            }
        });
    }
}

fn readiness(cluster: &Arc<Cluster>) -> health::Ready {
    let cluster = Arc::clone(cluster);
    Arc::new(move || cluster.readiness())
}

/// The URL of a socket. One that listens on all addresses is named by the loopback address, which reaches it.
fn url(listener: &TcpListener) -> Result<String, StartError> {
    let mut address = listener.local_addr().map_err(StartError::Address)?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Ok(format!("http://{address}"))
}
