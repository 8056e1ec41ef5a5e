//! Several instances in one process, on real sockets, behind a proxy that sends every request to the next one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here is a test that fails"
)]

mod agent;
mod card;
mod client;
mod gates;
mod instance;
mod link;
mod principal;
mod proxy;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use a2a::AgentCard;
use a2a_bus_memory::MemoryBus;
use a2a_cluster::bindings::Limits;
use a2a_cluster::{CallerResolver, Cluster, ClusterBuilder, SinglePrincipal};
use a2a_server::ServiceParams;
use a2a_store_memory::MemoryStore;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use client::Client;
pub use gates::Gates;
pub use link::{Body, Protocol, converse, exchange};
pub use principal::{PRINCIPAL, PrincipalHeader};

use instance::Sockets;
use proxy::Proxy;

/// How a client speaks to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// JSON-RPC over HTTP.
    JsonRpc,
    /// JSON over HTTP.
    Rest,
    /// gRPC.
    Grpc,
}

impl Binding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::JsonRpc, Self::Rest, Self::Grpc];
}

/// What a fleet is to be, before it starts.
#[derive(Debug)]
pub struct Plan {
    instances: usize,
    card: AgentCard,
    callers: Arc<dyn CallerResolver>,
    limits: Limits,
    config: a2a_cluster::Config,
    extended_card: Option<AgentCard>,
}

impl Plan {
    /// So many instances, with everything at its default, and streams and push notifications in the card.
    pub fn of(instances: usize) -> Self {
        Plan {
            instances,
            card: card::card(),
            callers: Arc::new(SinglePrincipal),
            limits: Limits::default(),
            config: a2a_cluster::Config::default(),
            extended_card: None,
        }
    }

    /// Changes the card.
    #[must_use]
    pub fn card(mut self, change: impl FnOnce(&mut AgentCard)) -> Self {
        change(&mut self.card);
        self
    }

    /// Tells callers apart.
    #[must_use]
    pub fn callers(mut self, callers: impl CallerResolver) -> Self {
        self.callers = Arc::new(callers);
        self
    }

    /// Bounds what a request may be.
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(&mut Limits, &mut a2a_cluster::Limits)) -> Self {
        change(&mut self.limits, &mut self.config.limits);
        self
    }

    /// Serves this extended card.
    #[must_use]
    pub fn extended_card(mut self, card: AgentCard) -> Self {
        self.extended_card = Some(card);
        self
    }

    /// Starts the instances and the proxies in front of them.
    ///
    /// # Panics
    ///
    /// When a socket cannot be had or an instance does not start.
    pub async fn start(self) -> Fleet {
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = Sockets { http: http.local_addr().unwrap(), grpc: grpc.local_addr().unwrap() };
        let mut card = self.card.clone();
        card.supported_interfaces = card::interfaces(front);
        let mut fleet = Fleet {
            clusters: Vec::new(),
            front,
            sockets: Vec::new(),
            gates: Gates::default(),
            servers: TaskTracker::new(),
            stop: CancellationToken::new(),
            proxies: Vec::new(),
        };
        let store = Arc::new(MemoryStore::new());
        let hub = MemoryBus::hub();
        for _ in 0..self.instances {
            let agent = agent::Scripted::new(fleet.gates.clone());
            let builder = Cluster::builder(Arc::new(agent), card.clone()).store(Arc::clone(&store));
            fleet.add(self.prepare(builder), &hub, &card, &self.limits).await;
        }
        let addresses = |of: fn(&Sockets) -> SocketAddr| fleet.sockets.iter().map(of).collect();
        let proxies = [
            (http, Proxy::new(Protocol::Http1, addresses(|sockets| sockets.http))),
            (grpc, Proxy::new(Protocol::Http2, addresses(|sockets| sockets.grpc))),
        ];
        for (listener, proxy) in proxies {
            fleet.proxies.push(proxy.clone());
            fleet.serve(listener, proxy.router());
        }
        fleet
    }

    fn prepare(&self, builder: ClusterBuilder) -> ClusterBuilder {
        let builder =
            builder.callers(Arc::clone(&self.callers)).config(self.config.clone()).allow_local_webhooks(true);
        match self.extended_card.clone() {
            Some(card) => builder.extended_card(Arc::new(move |_: &ServiceParams| Ok(card.clone()))),
            None => builder,
        }
    }
}

/// Running instances, and the one address per protocol by which clients know them.
#[derive(Debug)]
pub struct Fleet {
    clusters: Vec<Arc<Cluster>>,
    front: Sockets,
    sockets: Vec<Sockets>,
    gates: Gates,
    servers: TaskTracker,
    stop: CancellationToken,
    proxies: Vec<Proxy>,
}

impl Fleet {
    /// Where clients reach a binding: the proxy.
    pub fn front(&self, binding: Binding) -> SocketAddr {
        self.front.of(binding)
    }

    /// Where one instance's own socket for a binding is.
    pub fn instance(&self, index: usize, binding: Binding) -> SocketAddr {
        self.sockets[index].of(binding)
    }

    /// What agents wait at.
    pub fn gates(&self) -> &Gates {
        &self.gates
    }

    /// How many requests each instance got from the proxies.
    pub fn requests(&self) -> Vec<usize> {
        let counts = self.proxies.iter().map(Proxy::requests);
        counts.fold(vec![0; self.sockets.len()], |sums, counts| {
            sums.iter().zip(counts).map(|(sum, count)| sum + count).collect()
        })
    }

    /// Stops everything, agents that still wait included.
    ///
    /// # Panics
    ///
    /// When something does not stop.
    pub async fn shutdown(self) {
        let stopped = async {
            let grace = Duration::ZERO;
            futures::future::join_all(self.clusters.iter().map(|cluster| cluster.shutdown(grace))).await;
            self.stop.cancel();
            self.servers.close();
            self.servers.wait().await;
        };
        tokio::time::timeout(PATIENCE, stopped).await.expect("the fleet does not stop");
    }

    fn serve(&self, listener: TcpListener, router: axum::Router) {
        let stop = self.stop.clone();
        self.servers.spawn(async move {
            a2a_cluster::bindings::serve(listener, router, stop, LAST_WORDS).await.unwrap();
        });
    }
}

/// What takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

const LAST_WORDS: Duration = Duration::from_millis(100);
