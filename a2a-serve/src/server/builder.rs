//! What a server is made of.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use a2a::AgentCard;
use a2a_bus_memory::MemoryBus;
use a2a_cluster::{
    CallerResolver, Cluster, ClusterBuilder, ClusterHandler, Config, StartError, WebhookTransport,
};
use a2a_core::{EventBus, Store};
use a2a_server::{AgentExecutor, ExtendedAgentCardResolver};
use a2a_store_memory::MemoryStore;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::serving::Serving;
use super::shown::Shown;
use crate::bindings::{Bounds, Edge, Hosts, OfCluster, RequestLimits};
use crate::metrics::Metrics;
use crate::{Cors, HttpWebhooks};

/// For how long a server takes new work after it has said that it is about to stop: a load balancer that looks every few
/// seconds sends it no more by then.
const DRAIN_DELAY: Duration = Duration::from_secs(10);
/// How long running work may go on after that.
const GRACE: Duration = Duration::from_secs(30);
/// What may be set as the time for which a connection may be idle.
const IDLE_TIMEOUTS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(24 * 60 * 60)];

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address is taken, forbidden, not this machine's, or none at all. Choose another.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: String,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The agent's cluster does not start; its own words say why.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The operating system refuses to hand over signals.
    #[error("cannot catch signals")]
    Signals(#[source] std::io::Error),
    /// A second signal came while the server drained.
    #[error("a second signal came before the server had drained")]
    Hurried,
}

/// An agent on a socket: JSON-RPC, REST and gRPC on one address, with its card, `/healthz`, `/readyz`, webhooks, and an
/// orderly end.
///
/// Without a store and a bus it keeps everything in memory, as one instance that nobody else knows. On backends that are
/// shared any number of servers are one: any request may land on any of them, what a crashed one leaves the others take
/// over, and one that was taken for dead joins again.
///
/// ```no_run
/// use std::sync::Arc;
/// use a2a::AgentCard;
/// use a2a_serve::Server;
/// use a2a_server::AgentExecutor;
///
/// async fn run(agent: impl AgentExecutor, card: AgentCard) -> Result<(), a2a_serve::ServerError> {
///     Server::new(agent, card).listen("0.0.0.0:8080").run().await
/// }
/// ```
pub struct Server {
    instance: Instance,
    card: AgentCard,
    listen: Listen,
    grpc: Option<Listen>,
    connections: usize,
    streams: u32,
    idle: Duration,
    has_gateway: bool,
    cors: Option<Cors>,
    hosts: Option<Vec<String>>,
    metrics: Option<Metrics>,
    pub(super) drain_delay: Duration,
    pub(super) grace: Duration,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("cluster", &self.instance.cluster)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

/// Where a server listens.
#[derive(Debug)]
pub(super) enum Listen {
    On(String),
    At(TcpListener),
}

impl Listen {
    pub(super) async fn listener(self) -> Result<TcpListener, ServerError> {
        match self {
            Listen::At(listener) => Ok(listener),
            Listen::On(address) => {
                TcpListener::bind(&address).await.map_err(|source| ServerError::Listen { address, source })
            }
        }
    }
}

impl Server {
    /// An agent with its card, in memory, on `127.0.0.1:8080`.
    #[must_use]
    pub fn new(agent: impl AgentExecutor, card: AgentCard) -> Self {
        Server {
            instance: Instance {
                cluster: Cluster::builder(Arc::new(agent), card.clone()),
                store: None,
                bus: None,
                webhooks: Arc::new(HttpWebhooks::new()),
                limits: RequestLimits::default(),
            },
            card,
            listen: Listen::On("127.0.0.1:8080".to_owned()),
            grpc: None,
            connections: Bounds::default().connections,
            streams: Bounds::default().streams,
            idle: Bounds::default().idle,
            has_gateway: false,
            cors: None,
            hosts: None,
            metrics: None,
            drain_delay: DRAIN_DELAY,
            grace: GRACE,
        }
    }

    /// Keeps tasks, members and webhooks here, with whoever else does. Without a bus its instances hear of each other by
    /// what they read.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.instance.store = Some(store);
        self
    }

    /// Talks to the other instances over this.
    #[must_use]
    pub fn bus(mut self, bus: Arc<dyn EventBus>) -> Self {
        self.instance.bus = Some(bus);
        self
    }

    /// Listens on this address, for instance `0.0.0.0:8080`; port 0 takes a free one.
    #[must_use]
    pub fn listen(mut self, address: impl Into<String>) -> Self {
        self.listen = Listen::On(address.into());
        self
    }

    /// Listens on this socket.
    #[must_use]
    pub fn listener(mut self, listener: TcpListener) -> Self {
        self.listen = Listen::At(listener);
        self
    }

    /// Listens for gRPC on this address, too. It is served on the address of the other bindings as well.
    #[must_use]
    pub fn grpc_listen(mut self, address: impl Into<String>) -> Self {
        self.grpc = Some(Listen::On(address.into()));
        self
    }

    /// Listens for gRPC on this socket, too.
    #[must_use]
    pub fn grpc_listener(mut self, listener: TcpListener) -> Self {
        self.grpc = Some(Listen::At(listener));
        self
    }

    /// Tells callers apart; by default everybody is one. Behind a gateway: [`GatewayHeader`](crate::GatewayHeader).
    #[must_use]
    pub fn callers(mut self, callers: Arc<dyn CallerResolver>) -> Self {
        self.instance.cluster = self.instance.cluster.callers(callers);
        self.has_gateway = true;
        self
    }

    /// Serves an extended agent card to callers who are known. The card must declare the capability.
    #[must_use]
    pub fn extended_card(mut self, card: Arc<dyn ExtendedAgentCardResolver>) -> Self {
        self.instance.cluster = self.instance.cluster.extended_card(card);
        self
    }

    /// Posts push notifications by this; by default over HTTP and HTTPS, to public addresses only.
    #[must_use]
    pub fn webhooks(mut self, transport: Arc<dyn WebhookTransport>) -> Self {
        self.instance.webhooks = transport;
        self
    }

    /// Tunes the cluster: durations, bounds, what becomes of lost tasks.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.instance.cluster = self.instance.cluster.config(config);
        self
    }

    /// Bounds what one request may bring.
    #[must_use]
    pub fn limits(mut self, limits: RequestLimits) -> Self {
        self.instance.limits = limits;
        self
    }

    /// How many connections may be open; default 10,000. 64 more are taken for whoever asks after the health,
    /// for one request and 5 s each: the oldest of them gives way to a newcomer. Where callers are not told apart, one address gets
    /// at most half.
    #[must_use]
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// How many streams one HTTP/2 connection may have open; default 10,000, for an orchestrator that watches its tasks over one
    /// channel.
    #[must_use]
    pub fn streams_per_connection(mut self, most: u32) -> Self {
        self.streams = most;
        self
    }

    /// For how long a connection may have no request open, from 1 s to a day; default 75 s, longer than most proxies keep theirs. HTTP/2
    /// peers are told when it ends, and lose no request. Over HTTP/1 it is also how long the head of a request may take. Who has not
    /// said anything at all is let go after 10 s.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        let [least, most] = IDLE_TIMEOUTS;
        self.idle = timeout.clamp(least, most);
        self
    }

    /// Lets scripts of web pages call the agent; by default none may.
    #[must_use]
    pub fn cors(mut self, cors: impl Into<Cors>) -> Self {
        self.cors = Some(cors.into());
        self
    }

    /// Answers requests for these hosts only, without their ports, and for this machine's own names (`localhost`): others get
    /// 421. By default a server that listens on loopback addresses only answers for the hosts that its card names, so that no page
    /// whose name leads to this machine reaches it from a browser; any other answers for all.
    #[must_use]
    pub fn hosts<T: Into<String>>(mut self, hosts: impl IntoIterator<Item = T>) -> Self {
        self.hosts = Some(hosts.into_iter().map(Into::into).collect());
        self
    }

    /// Shows these at `/metrics`.
    #[must_use]
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Names the instance for people: a pod, a container, a host. Its metrics carry it, so let there be few.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.instance.cluster = self.instance.cluster.label(label);
        self
    }

    /// For how long the server takes new work after `/readyz` has turned; default 10 s, for a load balancer that looks every
    /// few seconds.
    #[must_use]
    pub fn drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// How long running work may go on after that; default 30 s.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Joins, and serves until it is shut down or dropped.
    ///
    /// # Errors
    ///
    /// [`ServerError`]: an address cannot be had, or the cluster does not start.
    pub async fn serve(self) -> Result<Serving, ServerError> {
        // Before it joins: whoever cannot listen leaves nothing behind.
        let listener = self.listen.listener().await?;
        let grpc = match self.grpc {
            Some(grpc) => Some(grpc.listener().await?),
            None => None,
        };
        // Behind a gateway all connections come from few addresses.
        let per_address = (!self.has_gateway).then_some(self.connections.div_ceil(2));
        let bounds =
            Bounds { connections: self.connections, per_address, streams: self.streams, idle: self.idle };
        let listeners = std::iter::once(&listener).chain(&grpc);
        let is_local =
            listeners.map(TcpListener::local_addr).all(|at| at.is_ok_and(|at| at.ip().is_loopback()));
        let hosts = match self.hosts {
            Some(hosts) => Hosts::only(hosts),
            None if is_local => Hosts::of_card(&self.card),
            None => Hosts::default(),
        };
        let shown = Shown { card: self.card, cors: self.cors, hosts, metrics: self.metrics };
        let (cluster, edge) = self.instance.start().await?;
        Serving::start(cluster, &edge, bounds, shown, listener, grpc)
            .map_err(|source| ServerError::Listen { address: "the socket".to_owned(), source })
    }

    /// Joins, and leaves the socket to you: serve the routes with [`bindings::serve`](crate::bindings::serve()), or turn on
    /// TCP_NODELAY yourself. Shut the cluster down in the end.
    ///
    /// # Errors
    ///
    /// [`ServerError`]: the cluster does not start.
    pub async fn router(self) -> Result<(Arc<Cluster>, Router), ServerError> {
        let hosts = self.hosts.map(Hosts::only).unwrap_or_default();
        let shown = Shown { card: self.card, cors: self.cors, hosts, metrics: self.metrics };
        let (cluster, edge) = self.instance.start().await?;
        let routes = shown.routes(&cluster, &edge, &CancellationToken::new());
        Ok((cluster, routes))
    }
}

/// What an instance is made of.
struct Instance {
    cluster: ClusterBuilder,
    store: Option<Arc<dyn Store>>,
    bus: Option<Arc<dyn EventBus>>,
    webhooks: Arc<dyn WebhookTransport>,
    limits: RequestLimits,
}

impl Instance {
    /// Joins. Without a store everything is in memory, and so is the bus then.
    async fn start(self) -> Result<(Arc<Cluster>, Edge<ClusterHandler>), StartError> {
        let bus = match (&self.store, self.bus) {
            (None, None) => Some(Arc::new(MemoryBus::new()) as Arc<dyn EventBus>),
            (_, bus) => bus,
        };
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        let cluster = self.cluster.store(store).webhooks(self.webhooks);
        let cluster = match bus {
            Some(bus) => cluster.bus(bus),
            None => cluster,
        };
        let cluster = Arc::new(cluster.start().await?);
        let edge = Edge::new(cluster.handler(), self.limits, Some(Arc::new(OfCluster)));
        Ok((cluster, edge))
    }
}
