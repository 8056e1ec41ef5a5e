//! Several instances in one process, on real sockets, behind a load balancer that sends every request to the next one.

mod instance;

use std::sync::Arc;
use std::time::Duration;

use a2a::AgentCard;
use a2a_cluster::{CallerResolver, Cluster, ClusterBuilder, Config};
use a2a_core::{CommitRecord, InstanceId, Replay, Version};
use a2a_serve::HttpWebhooks;
use a2a_serve::bindings::RequestLimits;
use a2a_server::ServiceParams;
use a2a_testkit::TaskLog;
use a2a_testkit::agent::{Latches, ScriptedAgent};

use crate::backends::{Backends, InMemory};
use crate::load_balancer::{LoadBalancer, Watch};
use crate::sockets::Sockets;
use crate::world::key;
use instance::Instance;

/// What a fleet is to be, before it starts.
#[derive(Debug)]
pub struct Plan {
    instances: usize,
    backends: Arc<dyn Backends>,
    card: AgentCard,
    callers: Option<Arc<dyn CallerResolver>>,
    limits: RequestLimits,
    config: Config,
    extended_card: Option<AgentCard>,
}

impl Plan {
    /// So many instances in memory, with everything at its default, and streams and push notifications in the
    /// card.
    pub fn of(instances: usize) -> Self {
        Plan {
            instances,
            backends: Arc::new(InMemory::default()),
            card: a2a_testkit::card("scripted"),
            callers: None,
            limits: RequestLimits::default(),
            config: Config::default(),
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
        self.callers = Some(Arc::new(callers));
        self
    }

    /// Bounds what a request may be.
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(RequestLimits) -> RequestLimits) -> Self {
        self.limits = change(self.limits);
        self
    }

    /// Tunes the instances.
    #[must_use]
    pub fn config(mut self, change: impl FnOnce(Config) -> Config) -> Self {
        self.config = change(self.config);
        self
    }

    /// Serves this extended card.
    #[must_use]
    pub fn extended_card(mut self, card: AgentCard) -> Self {
        self.extended_card = Some(card);
        self
    }

    /// Starts the instances and the load balancer in front of them.
    ///
    /// # Panics
    ///
    /// When a socket cannot be had or an instance does not start.
    pub async fn start(mut self) -> Fleet {
        let balancer = LoadBalancer::start(Watch::default()).await.unwrap();
        self.card.supported_interfaces = balancer.sockets().interfaces();
        let latches = Latches::default();
        let starting = (0..self.instances).map(|_| self.instance(&latches));
        let instances: Vec<_> = futures::future::join_all(starting).await;
        for (index, instance) in instances.iter().enumerate() {
            balancer.add(&index.to_string(), instance.sockets);
        }
        Fleet { plan: self, instances: instances.into_iter().map(Some).collect(), balancer, latches }
    }

    async fn instance(&self, latches: &Latches) -> Instance {
        let agent = ScriptedAgent::at(latches.clone());
        let builder = self.prepare(Cluster::builder(Arc::new(agent), self.card.clone()));
        Instance::start(builder, Arc::clone(&self.backends), self.card.clone(), self.limits).await
    }

    fn prepare(&self, builder: ClusterBuilder) -> ClusterBuilder {
        let builder = match &self.callers {
            Some(callers) => builder.callers(Arc::clone(callers)),
            None => builder,
        };
        let builder = builder.config(self.config.clone()).webhooks(Arc::new(HttpWebhooks::allowing_local()));
        match self.extended_card.clone() {
            Some(card) => builder.extended_card(Arc::new(move |_: &ServiceParams| Ok(card.clone()))),
            None => builder,
        }
    }
}

/// Running instances, and the load balancer by which clients know them.
#[derive(Debug)]
pub struct Fleet {
    plan: Plan,
    /// In the order in which they started; those that ended leave their place empty.
    instances: Vec<Option<Instance>>,
    balancer: LoadBalancer,
    latches: Latches,
}

impl Fleet {
    /// What stands before the instances.
    pub fn load_balancer(&self) -> &LoadBalancer {
        &self.balancer
    }

    /// Where one instance's own sockets are.
    pub fn sockets(&self, index: usize) -> Sockets {
        self.of(index).sockets
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
    pub fn latches(&self) -> &Latches {
        &self.latches
    }

    /// Reads the log of a task of the default tenant from the store.
    ///
    /// # Panics
    ///
    /// When it cannot be read for long, or is no longer kept from its beginning on.
    pub async fn log(&self, task: &str) -> TaskLog {
        let store = self.plan.backends.open().await.store;
        let key = key(task);
        let read = async {
            let mut log = Vec::<Arc<CommitRecord>>::new();
            loop {
                let after = log.last().map_or(Version::ABSENT, |commit| commit.version);
                match store.commits_after(&key, after).await {
                    Ok(Replay::Commits(commits)) if commits.is_empty() => return log,
                    Ok(Replay::Commits(commits)) => log.extend(commits),
                    Ok(Replay::Snapshot(_)) => panic!("the log of {task} is no longer kept"),
                    // The weather of the backends is this store's, too.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
        };
        let log = tokio::time::timeout(PATIENCE, read).await.expect("the log cannot be read");
        TaskLog::of(&log).expect("a log begins with its task")
    }

    /// Starts one more instance, which the load balancer does not know, and returns its index.
    pub async fn add(&mut self) -> usize {
        self.instances.push(Some(self.plan.instance(&self.latches).await));
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
            self.balancer.stop().await;
        };
        tokio::time::timeout(grace + PATIENCE, stopped).await.expect("the fleet does not stop");
    }

    fn of(&self, index: usize) -> &Instance {
        self.instances[index].as_ref().expect("an instance that still runs")
    }
}

/// What takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);
