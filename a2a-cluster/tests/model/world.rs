//! One state of the model: all instances, the store, the bus and the clients, with whatever is under way.

use std::collections::{BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use a2a_core::{Claim, InstanceId, News, Version};

use crate::config::{Budget, Config, Wants};
use crate::core::{Actor, AgentId, CommitCall, Input, Settings, Time, TurnKind};
use crate::digest::{START, digest};
use crate::names::instance;
use crate::ops::Op;
use crate::store::Store;

/// How an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    Up,
    /// It was told to shut down.
    Leaving,
    /// It knows that it was evicted.
    Evicted,
    /// It does nothing any more.
    Gone,
}

/// What an agent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Doing {
    Running,
    /// It was told to stop.
    Stopping,
    /// It has ended by itself.
    Ended,
}

/// One agent, as whoever looks at all instances at once knows it.
#[derive(Debug, Clone)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) kind: TurnKind,
    pub(crate) doing: Doing,
    pub(crate) said: u32,
    /// The last version that is its own, or its claim's.
    pub(crate) last: Version,
    pub(crate) parked: bool,
    /// Its `cancel` was called.
    pub(crate) cancelled: bool,
    /// The same, even if it has declined.
    pub(crate) asked: bool,
    /// What it said need not be in the log any more.
    pub(crate) excused: bool,
    /// It is not polled: there was no room for more.
    pub(crate) waits_for_room: bool,
    /// It has used up its time.
    pub(crate) overdue: bool,
}

/// One instance.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) life: Life,
    pub(crate) cut_off: bool,
    pub(crate) now: Time,
    pub(crate) actor: Option<Actor>,
    pub(crate) ops: Vec<Op>,
    pub(crate) agents: Vec<Agent>,
    pub(crate) attended: bool,
    /// A take-over waits for its end.
    pub(crate) takes_over: bool,
    pub(crate) next_id: u64,
    /// How many actors the task has had here.
    pub(crate) lives: u32,
    pub(crate) hash: u64,
}

/// How far a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Idle,
    /// Its task is being read, to be continued.
    Fetching,
    /// Its instance owes it an answer.
    Waiting,
    /// Its stream is about to begin.
    Joining,
    Reading,
    /// It got what it wanted.
    Done,
    /// It was refused: nothing has changed.
    Refused,
    /// It got an error that says to try again, or to read the task.
    Error,
    /// It went away.
    Left,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Client {
    pub(crate) wants: Wants,
    pub(crate) node: usize,
    pub(crate) stage: Stage,
    /// It has a stream here, which reads already or is about to.
    pub(crate) attached: Option<bool>,
    pub(crate) cursor: Version,
    /// Its stream has found nothing new, and waits to be woken.
    pub(crate) asleep: bool,
    /// How often it has asked.
    pub(crate) tries: u8,
    /// It was told that nothing has changed because of it.
    pub(crate) refused: bool,
}

/// A message on the bus.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) news: News,
    /// It takes its time, or is lost.
    pub(crate) slow: bool,
    pub(crate) hash: u64,
}

/// A violated property, and how.
pub(crate) type Violation = (&'static str, String);

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) config: Arc<Config>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) nodes: Vec<Arc<Node>>,
    pub(crate) store: Arc<Store>,
    pub(crate) bus: Vec<Arc<Letter>>,
    /// Writes whose callers are gone or have given up.
    pub(crate) late: Vec<Arc<LateWrite>>,
    pub(crate) clients: Vec<Client>,
    pub(crate) left: Budget,
    /// Which versions somebody was told to have made.
    pub(crate) told: BTreeSet<Version>,
    pub(crate) violation: Option<Violation>,
    /// Inputs of the step that is being taken.
    pub(crate) queue: VecDeque<(usize, Input)>,
    pub(crate) draining: bool,
}

/// A write that may still be applied, although nobody waits for it.
#[derive(Debug, Clone)]
pub(crate) enum LateWrite {
    Commit(Arc<CommitCall>),
    Release(Claim),
}

impl World {
    pub(crate) fn new(config: &Arc<Config>) -> Self {
        let node = Node {
            life: Life::Up,
            cut_off: false,
            now: START,
            actor: None,
            ops: vec![],
            agents: vec![],
            attended: false,
            takes_over: false,
            next_id: 1,
            lives: 0,
            hash: 0,
        };
        let client = |(wants, node): &(Wants, usize)| Client {
            wants: *wants,
            node: *node,
            stage: Stage::Idle,
            attached: None,
            cursor: Version::ABSENT,
            asleep: false,
            tries: 0,
            refused: false,
        };
        let mut world = World {
            settings: Arc::new(config.settings()),
            nodes: (0..config.nodes).map(|_| Arc::new(node.clone())).collect(),
            store: Arc::new(Store::new(config.nodes)),
            bus: vec![],
            late: vec![],
            clients: config.clients.iter().map(client).collect(),
            left: config.budget,
            told: BTreeSet::new(),
            violation: None,
            queue: VecDeque::new(),
            draining: false,
            config: Arc::clone(config),
        };
        (0..config.nodes).for_each(|node| world.seal(node));
        world
    }

    pub(crate) fn node(&self, node: usize) -> &Node {
        &self.nodes[node]
    }

    pub(crate) fn node_mut(&mut self, node: usize) -> &mut Node {
        let node = Arc::make_mut(&mut self.nodes[node]);
        node.hash = 0;
        node
    }

    pub(crate) fn store_mut(&mut self) -> &mut Store {
        Arc::make_mut(&mut self.store)
    }

    /// Whether the task was deleted: then what was shown before is in the log no more.
    pub(crate) fn was_deleted(&self) -> bool {
        self.left.deletions < self.config.budget.deletions
    }

    /// Notes that a property is violated; the first one counts.
    pub(crate) fn violated(&mut self, property: &'static str, how: impl Into<String>) {
        self.violation.get_or_insert_with(|| (property, how.into()));
    }

    pub(crate) fn send(&mut self, from: usize, to: InstanceId, news: News) {
        let to = crate::names::node_of(to);
        if self.config.bus && self.nodes[to].life != Life::Gone && to != from {
            let hash = digest(&(from, to, &news), START);
            if let Err(place) = self.bus.binary_search_by_key(&hash, |letter| letter.hash) {
                self.bus.insert(place, Arc::new(Letter { from, to, news, slow: false, hash }));
            }
        }
    }

    /// Computes the hash of a node that has changed.
    pub(crate) fn seal(&mut self, index: usize) {
        if self.nodes[index].hash != 0 {
            return;
        }
        let node = Arc::make_mut(&mut self.nodes[index]);
        let place = instance(index);
        let parts = (place, node.life, node.cut_off, node.attended, node.takes_over);
        node.hash = digest(&(parts, &node.actor, &node.ops, &node.agents), node.now);
    }

    /// The hash by which equal states are recognised.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        self.nodes.iter().for_each(|node| hasher.write_u64(node.hash));
        self.store.hash().hash(&mut hasher);
        self.bus.iter().for_each(|letter| hasher.write_u64(letter.hash));
        self.late.iter().for_each(|late| hasher.write_u64(digest(late, START)));
        self.clients.hash(&mut hasher);
        self.left.hash(&mut hasher);
        self.told.hash(&mut hasher);
        hasher.finish()
    }
}
