//! The instances of this process: sockets, card, cluster, and the way to start and stop them together.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use a2a_cluster::{Config, StartError as ClusterError, bindings};
use a2a_core::{BackendError, InstanceId, TaskStore};
use axum::Router;
use futures::future::join_all;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backends::Backends;
use crate::card::{Addresses, card};
use crate::health;
use crate::listen::{self, ListenError};
use crate::metrics::Metrics;
use crate::principal::Callers;
use crate::seat::{Blueprint, Seat};
use crate::whereabouts::Whereabouts;

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
    /// What people call the place; `None` names each instance by the address of its socket.
    pub(crate) whereabouts: Option<Whereabouts>,
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
            whereabouts: None,
        }
    }

    /// What people and metrics call the instance at this address.
    fn label(&self, address: SocketAddr) -> String {
        match &self.whereabouts {
            Some(place) => place.label(address.port(), self.instances == 1),
            None => address.to_string(),
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
    /// An instance's end of the bus cannot be opened.
    #[error("the bus cannot be opened")]
    Bus(#[source] BackendError),
    /// A backend refuses a new instance.
    #[error(transparent)]
    Join(#[from] ClusterError),
}

/// One running instance.
#[derive(Debug)]
pub(crate) struct Instance {
    /// Where its own sockets are, whatever its card says.
    pub(crate) sockets: Addresses,
    seat: Arc<Seat>,
}

impl Instance {
    /// Its identity in the cluster, until it is evicted and another takes its place.
    pub(crate) fn id(&self) -> InstanceId {
        self.seat.id()
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
        let sweep = fleet.stop.clone().run_until_cancelled_owned(fleet.backends.clone().sweep());
        fleet.servers.spawn(sweep);
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
        join_all(self.instances.iter().map(|instance| instance.seat.leave(grace))).await;
        self.stop.cancel();
        self.servers.close();
        self.servers.wait().await;
    }

    /// After [`shutdown`](Self::shutdown): cleans up after dead instances, if this process was the last of its cluster.
    pub(crate) async fn farewell(&self) {
        self.backends.farewell().await;
    }

    async fn add(
        &mut self,
        layout: &Layout,
        http: TcpListener,
        grpc: Option<TcpListener>,
    ) -> Result<(), StartError> {
        let sockets = Addresses { http: url(&http)?, grpc: grpc.as_ref().map(url).transpose()? };
        let seat = Seat::take(Blueprint {
            card: card(&layout.named(&sockets)),
            backends: self.backends.clone(),
            config: layout.config.clone(),
            callers: layout.callers.clone(),
            allow_local_webhooks: layout.allow_local_webhooks,
            label: layout.label(http.local_addr().map_err(StartError::Address)?),
        })
        .await?;
        let scraped = layout.metrics.as_ref().map(Metrics::routes).unwrap_or_default();
        self.serve(http, seat.http().merge(health::routes(readiness(&seat))).merge(scraped));
        if let Some(grpc) = grpc {
            self.serve(grpc, seat.grpc());
        }
        self.instances.push(Instance { sockets, seat });
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

fn readiness(seat: &Arc<Seat>) -> health::Ready {
    let seat = Arc::clone(seat);
    Arc::new(move || seat.readiness())
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
