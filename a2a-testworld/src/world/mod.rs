//! Instances on the caller's own runtime and clock, called without a network: for tests whose time is paused.
//!
//! They share a store and a bus in memory. The backends of each stand in its own [weather](Node::weather), and all of
//! them in that of the [`World`]: so instances crash, freeze and lose the store.

mod bus;
mod node;
mod reading;
mod request;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use a2a_bus_memory::MemoryBus;
use a2a_cluster::{CallerResolver, ClusterBuilder, ClusterHandler, Config};
use a2a_core::{
    EventBus, InstanceId, MemberState, Membership, StoredTask, TaskHead, TaskKey, TaskStore, Tenant,
};
use a2a_server::AgentExecutor;
use a2a_store_memory::MemoryStore;
use a2a_testkit::{FaultyBus, FaultyStore, Forecast, ScriptedAgent, Weather};

pub use bus::Bus;
pub use node::{Node, card, local_webhooks, node, node_of, webhooks};
pub use reading::{Events, drain, eventually, expect_task, fold, last_state, state, texts, visible};
pub use request::{
    at_once, cancel, configuration, follow_up, get, identified, list, message, numbered, params, request,
    subscribe, webhook,
};

/// What the instances of a world have in common.
#[expect(missing_debug_implementations, reason = "agents and resolvers have none")]
pub struct Shared {
    /// Where tasks are kept.
    pub store: MemoryStore,
    /// What they run.
    pub agent: Arc<dyn AgentExecutor>,
    /// Their durations and bounds.
    pub config: Config,
    /// Who calls; without, everybody is one.
    pub callers: Option<Arc<dyn CallerResolver>>,
}

impl Default for Shared {
    /// A store, the scripted agent, [`quick`] durations, and one principal.
    fn default() -> Self {
        Shared {
            store: MemoryStore::new(),
            agent: Arc::new(ScriptedAgent::default()),
            config: quick(),
            callers: None,
        }
    }
}

/// Some instances, and what a test can do to them.
#[expect(missing_debug_implementations, reason = "agents and resolvers have none")]
pub struct World {
    /// What they share, whatever the weather.
    pub store: Arc<MemoryStore>,
    /// In the order in which they started.
    pub nodes: Vec<Node>,
    /// The weather of all.
    pub weather: Weather,
    /// The durations and bounds of those that join.
    pub config: Config,
    bus: Bus,
    memory: Arc<MemoryBus>,
    agent: Arc<dyn AgentExecutor>,
    callers: Option<Arc<dyn CallerResolver>>,
}

impl World {
    /// Starts instances with [`quick`] durations.
    pub async fn new(instances: usize, bus: Bus) -> World {
        World::with(instances, bus, quick()).await
    }

    /// Starts instances with these durations and bounds.
    pub async fn with(instances: usize, bus: Bus, config: Config) -> World {
        World::of(instances, bus, Shared { config, ..Shared::default() }).await
    }

    /// Starts instances that tell callers apart.
    pub async fn calling(
        instances: usize,
        bus: Bus,
        config: Config,
        callers: Arc<dyn CallerResolver>,
    ) -> World {
        World::of(instances, bus, Shared { config, callers: Some(callers), ..Shared::default() }).await
    }

    /// Starts instances over a store of one's own.
    pub async fn keeping(instances: usize, bus: Bus, store: MemoryStore) -> World {
        World::tuned(instances, bus, store, quick()).await
    }

    /// Starts instances over a store of one's own, with other durations and bounds.
    pub async fn tuned(instances: usize, bus: Bus, store: MemoryStore, config: Config) -> World {
        World::of(instances, bus, Shared { store, config, ..Shared::default() }).await
    }

    /// Starts instances that have this in common.
    pub async fn of(instances: usize, bus: Bus, shared: Shared) -> World {
        World::start(instances, bus, shared, |bus| bus, |builder| builder).await
    }

    /// Starts instances that are prepared.
    pub async fn build(
        instances: usize,
        bus: Bus,
        prepare: impl Fn(ClusterBuilder) -> ClusterBuilder,
    ) -> World {
        World::start(instances, bus, Shared::default(), |bus| bus, prepare).await
    }

    /// Starts instances whose buses are wrapped.
    pub async fn over(
        instances: usize,
        bus: Bus,
        wrap: impl Fn(Arc<dyn EventBus>) -> Arc<dyn EventBus>,
    ) -> World {
        World::start(instances, bus, Shared::default(), wrap, |builder| builder).await
    }

    /// Starts instances that are prepared, and whose buses are wrapped.
    pub async fn start(
        instances: usize,
        bus: Bus,
        shared: Shared,
        wrap: impl Fn(Arc<dyn EventBus>) -> Arc<dyn EventBus>,
        prepare: impl Fn(ClusterBuilder) -> ClusterBuilder,
    ) -> World {
        let Shared { store, agent, config, callers } = shared;
        let mut world = World {
            store: Arc::new(store),
            nodes: Vec::new(),
            weather: Weather::calm(),
            config,
            bus,
            memory: Arc::new(MemoryBus::new()),
            agent,
            callers,
        };
        for seed in 0..instances {
            let node = world.node(seed as u64, &wrap, &prepare).await;
            world.nodes.push(node);
        }
        world
    }

    /// Starts one more instance, which is the caller's.
    pub async fn join(&self) -> Node {
        self.node(self.nodes.len() as u64, |bus| bus, |builder| builder).await
    }

    /// Starts one more instance.
    pub async fn add(&mut self, prepare: impl Fn(ClusterBuilder) -> ClusterBuilder) {
        let node = self.node(self.nodes.len() as u64, |bus| bus, prepare).await;
        self.nodes.push(node);
    }

    async fn node(
        &self,
        seed: u64,
        wrap: impl Fn(Arc<dyn EventBus>) -> Arc<dyn EventBus>,
        prepare: impl Fn(ClusterBuilder) -> ClusterBuilder,
    ) -> Node {
        let weather = Weather::calm();
        let store = FaultyStore::new(self.store.clone(), self.weather.clone(), seed);
        let store = FaultyStore::new(Arc::new(store), weather.clone(), seed ^ 0x0517e);
        let bus = FaultyBus::new(self.bus.spoil(self.memory.clone(), seed), self.weather.clone(), seed);
        let bus = wrap(Arc::new(FaultyBus::new(Arc::new(bus), weather.clone(), seed ^ 0xb05)));
        let prepare = |builder: ClusterBuilder| {
            let builder = builder.config(self.config.clone());
            prepare(match &self.callers {
                Some(callers) => builder.callers(Arc::clone(callers)),
                None => builder,
            })
        };
        let node = node_of(Arc::clone(&self.agent), Arc::new(store), bus, prepare).await;
        Node { weather, ..node }
    }

    /// What serves an instance's requests.
    pub fn on(&self, n: usize) -> &ClusterHandler {
        &self.nodes[n].handler
    }

    /// Makes an instance vanish: none of its calls ends any more.
    pub fn crash(&self, id: InstanceId) {
        self.weather.freeze(id);
    }

    /// Makes some instances vanish.
    pub fn crash_all(&self, which: impl IntoIterator<Item = usize>) {
        which.into_iter().for_each(|n| self.crash(self.nodes[n].cluster.id()));
    }

    /// Sets the weather of some.
    pub fn becomes(&self, of: Range<usize>, forecast: &Forecast) {
        of.for_each(|n| self.nodes[n].weather.set(forecast.clone()));
    }

    /// Takes the store away from everybody.
    pub fn store_goes(&self) {
        self.weather.set(Forecast { write_refused: 1.0, read_failed: 1.0, ..Forecast::calm() });
    }

    /// Ends the bad weather of all.
    pub fn store_returns(&self) {
        self.weather.set(Forecast::calm());
    }

    /// Those that are no longer what they were when they started.
    pub fn evicted(&self) -> Vec<usize> {
        let is_evicted = |node: &Node| node.cluster.id() != node.first_id;
        (0..self.nodes.len()).filter(|n| is_evicted(&self.nodes[*n])).collect()
    }

    /// The members that their records call so.
    ///
    /// # Panics
    ///
    /// Never: the store is in memory.
    pub async fn in_state(&self, state: MemberState) -> Vec<InstanceId> {
        let roster = self.store.roster(None, 1_000).await.unwrap();
        roster.into_iter().filter(|member| member.state == state).map(|member| member.id).collect()
    }

    /// Reads a task as the store has it, whatever the weather.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn load(&self, id: &str) -> StoredTask {
        self.store.load(&key(id)).await.unwrap().unwrap()
    }

    /// Reads a task's head as the store has it, whatever the weather.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn head(&self, id: &str) -> TaskHead {
        self.load(id).await.head
    }

    /// How many instances watch a task.
    ///
    /// # Panics
    ///
    /// Never: the store is in memory.
    pub async fn watchers(&self, id: &str) -> usize {
        self.store.watchers(&key(id)).await.unwrap().len()
    }

    /// Stops all instances, one after the other.
    pub async fn shutdown(self) {
        for node in &self.nodes {
            node.cluster.shutdown(Duration::from_millis(100)).await;
        }
    }
}

/// A task of the default tenant.
pub fn key(id: &str) -> TaskKey {
    TaskKey::new(Tenant::default(), id)
}

/// The default durations, shortened so that tests which wait for them do not take long.
pub fn quick() -> Config {
    Config::default()
        .resync_after(Duration::from_millis(10))
        .silence_min(Duration::from_millis(30))
        .silence_max(Duration::from_millis(100))
        .cancel_repeat(Duration::from_millis(20))
        .cancel_patience(Duration::from_millis(300))
        .cancel_grace(Duration::from_millis(300))
}
