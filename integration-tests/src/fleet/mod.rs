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
use a2a_cluster::bindings::Limits;
use a2a_cluster::{CallerResolver, Cluster, ClusterBuilder, SinglePrincipal};
use a2a_core::InstanceId;
use a2a_serve::HttpWebhooks;
use a2a_server::ServiceParams;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use client::Client;
pub use gates::Gates;
pub use link::{Body, Protocol, converse, exchange};
pub use principal::{PRINCIPAL, PrincipalHeader};

use instance::{Instance, Sockets};
use proxy::Proxy;

use crate::backends::{Backends, InMemory};

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
    backends: Arc<dyn Backends>,
    card: AgentCard,
    callers: Arc<dyn CallerResolver>,
    limits: Limits,
    config: a2a_cluster::Config,
    extended_card: Option<AgentCard>,
}

impl Plan {
    /// So many instances in memory, with everything at its default, and streams and push notifications in the
    /// card.
    pub fn of(instances: usize) -> Self {
        Plan {
            instances,
            backends: Arc::new(InMemory::default()),
            card: card::card(),
            callers: Arc::new(SinglePrincipal),
            limits: Limits::default(),
            config: a2a_cluster::Config::default(),
            extended_card: None,
        }
    }

    /// Puts the instances on other backends.
    #[must_use]
    pub fn on(mut self, backends: Arc<dyn Backends>) -> Self {
        self.backends = backends;
        self
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

    /// Tunes the instances.
    #[must_use]
    pub fn config(mut self, change: impl FnOnce(&mut a2a_cluster::Config)) -> Self {
        change(&mut self.config);
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
    pub async fn start(mut self) -> Fleet {
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = Sockets { http: http.local_addr().unwrap(), grpc: grpc.local_addr().unwrap() };
        self.card.supported_interfaces = card::interfaces(front);
        let gates = Gates::default();
        let starting = (0..self.instances).map(|_| self.instance(&gates));
        let instances = futures::future::join_all(starting).await;
        let addresses =
            |of: fn(&Sockets) -> SocketAddr| instances.iter().map(|instance| of(&instance.sockets)).collect();
        let proxies = [
            (http, Proxy::new(Protocol::Http1, addresses(|sockets| sockets.http))),
            (grpc, Proxy::new(Protocol::Http2, addresses(|sockets| sockets.grpc))),
        ];
        let instances = instances.into_iter().map(Some).collect();
        let (servers, stop) = (TaskTracker::new(), CancellationToken::new());
        let mut fleet = Fleet { plan: self, instances, front, gates, servers, stop, proxies: Vec::new() };
        for (listener, proxy) in proxies {
            fleet.proxies.push(proxy.clone());
            let (router, stop) = (proxy.router(), fleet.stop.clone());
            fleet.servers.spawn(async move {
                a2a_cluster::bindings::serve(listener, router, stop, LAST_WORDS).await.unwrap();
            });
        }
        fleet
    }

    async fn instance(&self, gates: &Gates) -> Instance {
        let agent = agent::Scripted::new(gates.clone());
        let builder = self.prepare(Cluster::builder(Arc::new(agent), self.card.clone()));
        Instance::start(builder, Arc::clone(&self.backends), self.card.clone(), self.limits).await
    }

    fn prepare(&self, builder: ClusterBuilder) -> ClusterBuilder {
        let builder = builder
            .callers(Arc::clone(&self.callers))
            .config(self.config.clone())
            .webhooks(Arc::new(HttpWebhooks::allowing_local()));
        match self.extended_card.clone() {
            Some(card) => builder.extended_card(Arc::new(move |_: &ServiceParams| Ok(card.clone()))),
            None => builder,
        }
    }
}

/// Running instances, and the one address per protocol by which clients know them.
#[derive(Debug)]
pub struct Fleet {
    plan: Plan,
    /// In the order in which they started; those that ended leave their place empty.
    instances: Vec<Option<Instance>>,
    front: Sockets,
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
        self.of(index).sockets.of(binding)
    }

    /// Who an instance is.
    pub fn id(&self, index: usize) -> InstanceId {
        self.of(index).cluster.id()
    }

    /// How many agents an instance runs now.
    pub fn running(&self, index: usize) -> usize {
        self.of(index).cluster.running()
    }

    /// How many tasks have streams open on an instance now.
    pub fn streaming(&self, index: usize) -> usize {
        self.of(index).cluster.streaming()
    }

    /// What agents wait at.
    pub fn gates(&self) -> &Gates {
        &self.gates
    }

    /// How many requests each instance got from the proxies.
    pub fn requests(&self) -> Vec<usize> {
        let counts = self.proxies.iter().map(Proxy::requests);
        counts.fold(vec![0; self.instances.len()], |sums, counts| {
            sums.iter().zip(counts).map(|(sum, count)| sum + count).collect()
        })
    }

    /// Starts one more instance, which the proxies do not know, and returns its index.
    pub async fn add(&mut self) -> usize {
        self.instances.push(Some(self.plan.instance(&self.gates).await));
        self.instances.len() - 1
    }

    /// Ends an instance as a crash does: at once, with its connections, and without a word to anybody.
    pub fn kill(&mut self, index: usize) {
        drop(self.instances[index].take());
    }

    /// Ends an instance as an operator does.
    ///
    /// # Panics
    ///
    /// When it does not stop.
    pub async fn retire(&mut self, index: usize, grace: Duration) {
        let instance = self.instances[index].take().expect("an instance that still runs");
        let stopped = tokio::time::timeout(grace + PATIENCE, instance.shutdown(grace));
        stopped.await.expect("the instance does not stop");
    }

    /// Stops everything, agents that still wait included.
    ///
    /// # Panics
    ///
    /// When something does not stop.
    pub async fn shutdown(self) {
        self.shutdown_within(Duration::ZERO).await;
    }

    /// Stops everything, with a grace for agents and webhooks.
    ///
    /// # Panics
    ///
    /// When something does not stop.
    pub async fn shutdown_within(self, grace: Duration) {
        let stopped = async {
            let instances = self.instances.into_iter().flatten();
            futures::future::join_all(instances.map(|instance| instance.shutdown(grace))).await;
            self.stop.cancel();
            self.servers.close();
            self.servers.wait().await;
        };
        tokio::time::timeout(grace + PATIENCE, stopped).await.expect("the fleet does not stop");
    }

    fn of(&self, index: usize) -> &Instance {
        self.instances[index].as_ref().expect("an instance that still runs")
    }
}

/// What takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

const LAST_WORDS: Duration = Duration::from_millis(100);
