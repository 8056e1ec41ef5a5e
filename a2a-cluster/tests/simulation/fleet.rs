//! The instances of a simulation, in slots: what crashes or is evicted is replaced under a new id.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use a2a::SendMessageRequest;
use a2a_bus_memory::MemoryBus;
use a2a_cluster::{Cluster, ClusterHandler, Config, ExecutorLost, StartError, Webhooks};
use a2a_core::{InstanceId, TaskKey, TaskStore};
use a2a_store_memory::{MemoryStore, MemoryStoreConfig};
use a2a_testkit::{FaultyBus, FaultyStore, Forecast, SeededEnv, Trace, Weather, card};
use a2a_testworld::principal::PrincipalIfAny;
use tokio_util::sync::CancellationToken;

use crate::archive::{Archive, Pace};
use crate::freezer::Freezer;
use crate::hooks::{Hooks, Posts};
use crate::plan::{Plan, Terms};
use crate::record::{OnRecord, Record};
use crate::tapped::Tapped;

/// How many agents an instance runs at once: more than there ever are.
pub(crate) const AGENTS: usize = 48;

pub(crate) struct Fleet {
    pub(crate) store: Arc<MemoryStore>,
    /// What was done to the store.
    pub(crate) archive: Arc<Archive>,
    pub(crate) weather: Weather,
    pub(crate) trace: Trace,
    pub(crate) plan: Plan,
    pub(crate) terms: Terms,
    /// What agents said.
    pub(crate) record: Record,
    pub(crate) hooks: Arc<Hooks>,
    /// The messages that began tasks.
    pub(crate) openings: RefCell<Vec<SendMessageRequest>>,
    /// How often each message was sent, and how often that was refused for now.
    pub(crate) tries: RefCell<BTreeMap<String, Tries>>,
    /// How often clients were told to come again.
    pub(crate) refusals: Cell<usize>,
    /// The instances that something happened to, after which others may take them for dead.
    pub(crate) lost: RefCell<BTreeMap<InstanceId, &'static str>>,
    /// The tasks that could not be read at some time.
    pub(crate) spoilt: RefCell<BTreeMap<TaskKey, Spoilt>>,
    paces: RefCell<Vec<Arc<Pace>>>,
    memory: Arc<MemoryBus>,
    env: SeededEnv,
    config: Config,
    slots: Vec<RefCell<Option<Rc<Node>>>>,
    crashed: RefCell<Vec<Rc<Node>>>,
    born: Cell<usize>,
}

/// How a message fared.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tries {
    pub(crate) sent: usize,
    pub(crate) refused: usize,
}

/// For how long a task cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoilt {
    ForAWhile,
    ForGood,
}

pub(crate) struct Node {
    pub(crate) name: usize,
    pub(crate) cluster: Cluster,
    pub(crate) handler: Arc<ClusterHandler>,
    /// Cancelled when its clients lose their connections.
    pub(crate) gone: CancellationToken,
    freezer: Freezer,
}

impl Node {
    /// The id that it has now: another one once it was evicted.
    pub(crate) fn id(&self) -> InstanceId {
        self.cluster.id()
    }
}

impl Fleet {
    pub(crate) async fn start(rng: &mut fastrand::Rng, plan: Plan, trace: Trace) -> Fleet {
        let terms = Terms::draw(rng);
        let lost = if plan.resume { ExecutorLost::Resume { max_attempts: 3 } } else { ExecutorLost::Fail };
        let webhooks = Webhooks::default()
            .keep_trying(Duration::from_secs(20))
            .retry_min(Duration::from_millis(200))
            .retry_max(Duration::from_secs(2));
        let config = Config::default()
            .executor_lost(lost)
            .commit_spacing(terms.spacing.map(Duration::from_millis))
            .ring_commits(terms.ring)
            .webhooks(webhooks)
            .max_agents(AGENTS)
            .agent_silence(Duration::from_secs(60))
            .turn_limit(Duration::from_secs(250));
        let keeps = MemoryStoreConfig::default()
            .log_commits(terms.log.unwrap_or(100_000))
            .log_bytes(1 << 30)
            .finished_log_bytes(1 << 30)
            .finished_tasks(terms.finished.unwrap_or(100_000))
            .executing_page(terms.page);
        let fleet = Fleet {
            store: Arc::new(MemoryStore::with_config(keeps)),
            archive: Arc::default(),
            weather: Weather::calm(),
            trace,
            plan,
            terms,
            record: Record::default(),
            hooks: Arc::default(),
            openings: RefCell::default(),
            tries: RefCell::default(),
            refusals: Cell::new(0),
            lost: RefCell::default(),
            spoilt: RefCell::default(),
            paces: RefCell::default(),
            memory: Arc::new(MemoryBus::new()),
            env: SeededEnv::new(rng.u64(..)),
            config,
            slots: (0..terms.size).map(|_| RefCell::new(None)).collect(),
            crashed: RefCell::default(),
            born: Cell::new(0),
        };
        fleet.trace.note(format_args!("{terms:?}"));
        fleet.becomes(Forecast::calm());
        for slot in 0..terms.size {
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
            let archived =
                Tapped { store: self.store.clone(), tap: self.archive.clone(), freezer: Freezer::default() };
            let faulty = FaultyStore::new(Arc::new(archived), self.weather.clone(), seed);
            let pace = Arc::new(Pace::new());
            self.paces.borrow_mut().push(Arc::clone(&pace));
            let bus = FaultyBus::new(self.memory.clone(), self.weather.clone(), seed ^ 0xb05);
            let freezer = Freezer::default();
            let shuts = freezer.clone();
            let agent = OnRecord { record: self.record.clone(), freezer: freezer.clone() };
            let mut card = card("simulated");
            card.capabilities.push_notifications = Some(self.terms.webhooks);
            let posts = Posts {
                name,
                hooks: Arc::clone(&self.hooks),
                freezer: freezer.clone(),
                calm: self.plan.calm,
                rng: fastrand::Rng::with_seed(seed ^ 0x407).into(),
            };
            let started = Cluster::builder(Arc::new(agent), card)
                .webhooks(Arc::new(posts))
                .store(Arc::new(Tapped { store: Arc::new(faulty), tap: pace, freezer }))
                .bus(Arc::new(bus))
                .callers(Arc::new(PrincipalIfAny))
                .config(self.config.clone())
                .env(env)
                .label(format!("n{name}"))
                .start();
            match started.await {
                Ok(cluster) => {
                    self.trace.note(format_args!("n{name} serves in slot {slot} as {}", cluster.id()));
                    let handler = cluster.handler();
                    let gone = CancellationToken::new();
                    let node = Node { name, cluster, handler, gone, freezer: shuts };
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
            self.loses(&node, "crashes");
            self.stop(&node);
            node.gone.cancel();
            self.crashed.borrow_mut().push(node);
        }
    }

    /// Something happens to an instance, after which its tasks may be others'.
    pub(crate) fn loses(&self, node: &Node, how: &'static str) {
        self.trace.note(format_args!("n{} {how}", node.name));
        // One that was about to join again under another id has that id, too.
        let ids = self.archive.ids_of(&format!("n{}", node.name));
        self.lost.borrow_mut().extend(ids.into_iter().chain([node.id()]).map(|id| (id, how)));
    }

    /// An instance stops as a paused process does, but for its timers.
    pub(crate) fn stop(&self, node: &Node) {
        node.freezer.freeze();
        self.weather.freeze(node.id());
    }

    /// An instance goes on where it stopped.
    pub(crate) fn go_on(&self, node: &Node) {
        self.weather.thaw(node.id());
        node.freezer.thaw();
    }

    /// A task is deleted by somebody who looks after the store.
    pub(crate) async fn delete(&self, key: &TaskKey) {
        self.trace.note(format_args!("the task {key} is deleted"));
        self.archive.goes(key);
        self.store.delete(key).await.expect("the memory store deletes");
    }

    /// Whether an instance called its store without a pause.
    pub(crate) fn has_lost_pace(&self) -> bool {
        self.paces.borrow().iter().any(|pace| pace.is_lost())
    }

    /// An instance is shut down in order, and another takes its place.
    pub(crate) async fn replace(&self, slot: usize, grace: Duration) {
        if let Some(node) = self.node(slot) {
            self.loses(&node, "drains");
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
        self.mend_connections();
    }

    /// Connects everybody with everybody again, and lets whoever is frozen go on.
    pub(crate) fn mend_connections(&self) {
        self.weather.heal();
        for slot in &self.slots {
            slot.borrow().iter().for_each(|node| node.freezer.thaw());
        }
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
