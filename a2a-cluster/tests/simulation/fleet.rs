//! The instances of a simulation, in slots: what crashes or is evicted is replaced under a new id.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use a2a::AgentCard;
use a2a_bus_memory::MemoryBus;
use a2a_cluster::{Cluster, ClusterHandler, Config, ExecutorLost, StartError};
use a2a_core::InstanceId;
use a2a_store_memory::MemoryStore;
use a2a_testkit::{FaultyBus, FaultyStore, Forecast, SeededEnv, Trace, Weather, card};
use tokio_util::sync::CancellationToken;

use crate::Plan;
use crate::record::{OnRecord, Record};

pub(crate) struct Fleet {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) weather: Weather,
    pub(crate) trace: Trace,
    pub(crate) plan: Plan,
    /// What agents said.
    pub(crate) record: Record,
    /// How often clients were told to come again.
    pub(crate) refusals: Cell<usize>,
    memory: Arc<MemoryBus>,
    env: SeededEnv,
    config: Config,
    slots: Vec<RefCell<Option<Rc<Node>>>>,
    crashed: RefCell<Vec<Rc<Node>>>,
    born: Cell<usize>,
}

pub(crate) struct Node {
    pub(crate) name: usize,
    pub(crate) cluster: Cluster,
    pub(crate) handler: Arc<ClusterHandler>,
    /// Cancelled when its clients lose their connections.
    pub(crate) gone: CancellationToken,
}

impl Node {
    /// The id that it has now: another one once it was evicted.
    pub(crate) fn id(&self) -> InstanceId {
        self.cluster.id()
    }
}

impl Fleet {
    pub(crate) async fn start(rng: &mut fastrand::Rng, plan: Plan, trace: Trace) -> Fleet {
        let mut config = Config::default();
        if plan.resume {
            config.executor_lost = ExecutorLost::Resume { max_attempts: 3 };
        }
        config.commit_spacing = [None, Some(20), Some(200)][rng.usize(0..3)].map(Duration::from_millis);
        config.agent_silence = Duration::from_secs(60);
        let size = rng.usize(2..=4);
        let keep_all = a2a_store_memory::Config::default().log_commits(100_000).log_bytes(1 << 30);
        let fleet = Fleet {
            store: Arc::new(MemoryStore::with_config(keep_all)),
            weather: Weather::calm(),
            trace,
            plan,
            record: Record::default(),
            refusals: Cell::new(0),
            memory: Arc::new(MemoryBus::new()),
            env: SeededEnv::new(rng.u64(..)),
            config,
            slots: (0..size).map(|_| RefCell::new(None)).collect(),
            crashed: RefCell::default(),
            born: Cell::new(0),
        };
        fleet.becomes(Forecast::calm());
        for slot in 0..size {
            fleet.boot(slot).await;
        }
        fleet
    }

    /// Changes the weather; what has no bus gets none.
    pub(crate) fn becomes(&self, forecast: Forecast) {
        let plugged = forecast.plugged && self.plan.bus;
        self.weather.set(Forecast { plugged, ..forecast });
    }

    pub(crate) fn size(&self) -> usize {
        self.slots.len()
    }

    /// The node in a slot, unless it is just being replaced.
    pub(crate) fn node(&self, slot: usize) -> Option<Rc<Node>> {
        self.slots[slot].borrow().clone()
    }

    /// Starts a new instance in a slot; tries until the weather lets it join.
    pub(crate) async fn boot(&self, slot: usize) {
        self.slots[slot].replace(None);
        loop {
            let name = self.born.replace(self.born.get() + 1);
            let env = Arc::new(self.env.fork());
            let seed = name as u64;
            let store = FaultyStore::new(self.store.clone(), self.weather.clone(), seed);
            let bus = FaultyBus::new(self.memory.clone(), self.weather.clone(), seed ^ 0xb05);
            let started = Cluster::builder(Arc::new(OnRecord(self.record.clone())), simulated())
                .store(Arc::new(store))
                .bus(Arc::new(bus))
                .config(self.config.clone())
                .env(env)
                .label(format!("n{name}"))
                .start();
            match started.await {
                Ok(cluster) => {
                    self.trace.note(format_args!("n{name} serves in slot {slot} as {}", cluster.id()));
                    let handler = cluster.handler();
                    let node = Node { name, cluster, handler, gone: CancellationToken::new() };
                    self.slots[slot].replace(Some(Rc::new(node)));
                    return;
                }
                Err(StartError::Format(_) | StartError::Join(_)) => {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err(error) => panic!("it never starts: {error}"),
            }
        }
    }

    /// An instance vanishes between two instructions: its calls never end, its clients lose it.
    pub(crate) fn crash(&self, slot: usize) {
        if let Some(node) = self.slots[slot].replace(None) {
            self.trace.note(format_args!("n{} crashes", node.name));
            self.weather.freeze(node.id());
            node.gone.cancel();
            self.crashed.borrow_mut().push(node);
        }
    }

    /// An instance is shut down in order, and another takes its place.
    pub(crate) async fn replace(&self, slot: usize, grace: Duration) {
        if let Some(node) = self.node(slot) {
            self.trace.note(format_args!("n{} drains", node.name));
            let left = node.cluster.shutdown(grace).await;
            assert_eq!(left.not_stopped, [], "every agent can be stopped");
            node.gone.cancel();
            assert_eq!(node.cluster.running(), 0, "after shutdown no task of ours runs");
            self.boot(slot).await;
        }
    }

    /// Starts an instance wherever one crashed. Who was evicted joins again by itself.
    pub(crate) async fn mend(&self) {
        for slot in 0..self.size() {
            if self.node(slot).is_none() {
                self.boot(slot).await;
            }
        }
    }

    /// Ends the bad weather. What crashed stays dead.
    pub(crate) fn heal(&self) {
        self.becomes(Forecast::calm());
        self.weather.heal();
        for node in self.crashed.borrow().iter() {
            self.weather.freeze(node.id());
        }
    }

    pub(crate) async fn shutdown(&self) {
        for slot in 0..self.size() {
            if let Some(node) = self.node(slot) {
                node.cluster.shutdown(Duration::from_secs(1)).await;
                assert_eq!((node.cluster.running(), node.cluster.streaming()), (0, 0));
            }
        }
    }
}

/// The card of instances that nobody configures webhooks on.
fn simulated() -> AgentCard {
    let mut card = card("simulated");
    card.capabilities.push_notifications = None;
    card
}
