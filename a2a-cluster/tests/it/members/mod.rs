//! Who is a member, who is dead, and what becomes of what the dead leave: in simulated time.

mod cut_off;
mod dying;
mod failing;
mod identity;
mod leaving;
mod overload;
mod shares;
mod shutdown;
mod taking_over;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use a2a::{StreamResponse, Task, TaskState, TaskStatus};
use a2a_bus_memory::MemoryBus;
use a2a_cluster::{ClusterBuilder, Config, ExecutorLost};
use a2a_core::{
    ClaimChange, Commit, CommitId, Env, InstanceId, Member, MemberState, Membership, Outcome, Replay,
    StoredTask, SystemEnv, TaskHead, TaskKey, TaskStore, Tenant, Tip, Version,
};
use a2a_store_memory::MemoryStore;
use a2a_testkit::{Delay, FaultyBus, FaultyStore, Forecast, Weather};
use futures::StreamExt;
use tokio::time::{Instant, sleep};

use crate::world::checked::Checked;
use crate::world::{Node, node};

const LEASE: Duration = Duration::from_secs(15);

/// Instances over one store and one bus, each in weather of its own.
struct Fleet {
    store: Arc<MemoryStore>,
    bus: Arc<MemoryBus>,
    config: Config,
    members: Vec<One>,
}

/// An instance and its weather.
struct One {
    node: Node,
    weather: Weather,
    id: InstanceId,
    /// The commits that it tried to make.
    written: Arc<Mutex<BTreeSet<CommitId>>>,
}

impl Fleet {
    async fn start(instances: usize, config: Config) -> Fleet {
        Fleet::over(MemoryStore::new(), instances, config).await
    }

    async fn over(store: MemoryStore, instances: usize, config: Config) -> Fleet {
        let (store, bus) = (Arc::new(store), Arc::new(MemoryBus::new()));
        let mut fleet = Fleet { store, bus, config, members: Vec::new() };
        for _ in 0..instances {
            fleet.join().await;
        }
        fleet
    }

    /// Starts instances that beat out of step with each other.
    async fn out_of_step(store: MemoryStore, instances: usize, config: Config) -> Fleet {
        let mut fleet = Fleet::over(store, 0, config).await;
        for _ in 0..instances {
            fleet.join().await;
            sleep(Duration::from_millis(1_300)).await;
        }
        fleet
    }

    /// Starts one more.
    async fn join(&mut self) {
        self.join_with(|builder| builder).await;
    }

    async fn join_with(&mut self, prepare: impl Fn(ClusterBuilder) -> ClusterBuilder) {
        let (weather, seed) = (Weather::calm(), self.members.len() as u64);
        let store = Arc::new(FaultyStore::new(self.store.clone(), weather.clone(), seed));
        let bus = FaultyBus::new(self.bus.clone(), weather.clone(), seed);
        let written = Arc::new(Mutex::new(BTreeSet::new()));
        let tasks = Arc::new(Checked::new(store.clone(), {
            let written = Arc::clone(&written);
            move |_, commit| {
                written.lock().unwrap().insert(commit.record().id);
                None
            }
        }));
        let configured =
            |builder: ClusterBuilder| prepare(builder.config(self.config.clone()).tasks(tasks.clone()));
        let node = node(store, Arc::new(bus), configured).await;
        let id = node.cluster.id();
        self.members.push(One { node, weather, id, written });
    }

    /// Sets the weather of some.
    fn weather(&self, of: impl IntoIterator<Item = usize>, forecast: &Forecast) {
        for n in of {
            self.members[n].weather.set(forecast.clone());
        }
    }

    /// Waits until a member has just beaten, and then so long.
    async fn after_beat(&self, n: usize, pause: Duration) {
        let beat = async || self.store.member(&self.members[n].id).await.unwrap().unwrap().beat;
        let before = beat().await;
        while beat().await == before {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(pause).await;
    }

    /// Stops some as a machine stops that loses its power.
    fn crash(&self, which: impl IntoIterator<Item = usize>) {
        for n in which {
            self.members[n].weather.freeze(self.members[n].node.cluster.id());
        }
    }

    /// Those that are still what they were when they started.
    fn evicted(&self) -> Vec<usize> {
        let is_evicted = |one: &One| one.node.cluster.id() != one.id;
        (0..self.members.len()).filter(|n| is_evicted(&self.members[*n])).collect()
    }

    /// The members that their records call so.
    async fn in_state(&self, state: MemberState) -> Vec<InstanceId> {
        let roster = self.store.roster(None, 1_000).await.unwrap();
        roster.into_iter().filter(|member| member.state == state).map(|member| member.id).collect()
    }

    async fn load(&self, id: &str) -> StoredTask {
        self.store.load(&key(id)).await.unwrap().unwrap()
    }

    async fn head(&self, id: &str) -> TaskHead {
        self.store.head(&key(id)).await.unwrap().unwrap()
    }

    /// How many of these tasks each executes.
    async fn claims(&self, ids: &[String]) -> BTreeMap<InstanceId, usize> {
        let mut claims = BTreeMap::new();
        for id in ids {
            if let Some(claim) = self.head(id).await.claim {
                *claims.entry(claim.instance).or_default() += 1;
            }
        }
        claims
    }

    /// How many tasks a member executes, by its place.
    async fn executes(&self, n: usize) -> usize {
        let (mut tasks, mut after) = (0, None);
        loop {
            let page = self.store.executing(&self.members[n].id, after.as_ref()).await.unwrap();
            tasks += page.tasks.len();
            after = page.next;
            if after.is_none() {
                return tasks;
            }
        }
    }

    /// Tells whether some members, by their places, execute nothing.
    async fn have_lost_all(&self, members: &[usize]) -> bool {
        for n in members {
            let page = self.store.executing(&self.members[*n].id, None).await.unwrap();
            if !page.tasks.is_empty() {
                return false;
            }
        }
        true
    }

    /// How many of these tasks each member wrote to last.
    async fn wrote_last(&self, ids: &[String]) -> Vec<usize> {
        let mut shares = vec![0; self.members.len()];
        for id in ids {
            let log = self.store.commits_after(&key(id), Version::ABSENT).await.unwrap();
            let Replay::Commits(commits) = log else { panic!("the log of {id} is kept") };
            let last = commits.last().unwrap().id;
            let writer = self.members.iter().position(|one| one.written.lock().unwrap().contains(&last));
            shares[writer.unwrap()] += 1;
        }
        shares
    }
}

/// Calls of the store take so long for each way.
fn slow(millis: u64) -> Forecast {
    let delay = Duration::from_millis(millis);
    Forecast { store_delay: Delay::between(delay, delay), ..Forecast::calm() }
}

/// A store whose index of what an instance executes has small pages.
fn small_pages() -> MemoryStore {
    MemoryStore::with_config(a2a_store_memory::Config::default().executing_page(10))
}

/// Starts as many tasks, some at a time.
async fn start_many(node: &Node, count: usize, text: &str) -> Vec<String> {
    futures::stream::iter(0..count).map(async |_| node.start(text).await.id).buffered(64).collect().await
}

fn key(id: &str) -> TaskKey {
    TaskKey::new(Tenant::default(), id)
}

fn resuming(max_attempts: u32) -> Config {
    let mut config = Config::default();
    config.executor_lost = ExecutorLost::Resume { max_attempts };
    config
}

/// Writes the record of a member that never beats again, and tasks that it executes.
async fn left_by_the_dead(store: &MemoryStore, tasks: usize, attempt: u32) -> (InstanceId, Vec<String>) {
    let dead = InstanceId::generate(&SystemEnv);
    let record = Member { state: MemberState::Serving, ..Member::joining(dead, None) };
    let _ = store.beat(&record).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..tasks {
        let id = SystemEnv.uuid().to_string();
        executed_by(store, dead, &id, attempt).await;
        ids.push(id);
    }
    (dead, ids)
}

/// Writes a task that an instance executes.
async fn executed_by(store: &MemoryStore, executor: InstanceId, id: &str, attempt: u32) {
    let task = Task {
        id: id.to_owned(),
        context_id: "context".into(),
        status: TaskStatus { state: TaskState::Working, message: None, timestamp: Some(SystemEnv.now()) },
        artifacts: None,
        history: Some(vec![crate::world::message("quiet 100000000")]),
        metadata: None,
    };
    let events = vec![StreamResponse::Task(task.clone())];
    let commit = Commit::new(Tip::ABSENT, CommitId::generate(&SystemEnv), events, &task)
        .claim(ClaimChange::Make { instance: executor, attempt });
    assert!(matches!(store.commit(&key(id), commit).await.unwrap(), Outcome::Applied(_)));
}

/// Waits until something is so, and returns after how long.
async fn within<F: Future<Output = bool>>(limit: Duration, mut check: impl FnMut() -> F) -> Duration {
    let began = Instant::now();
    while !check().await {
        assert!(began.elapsed() <= limit, "it should have come true within {limit:?}");
        sleep(Duration::from_millis(100)).await;
    }
    began.elapsed()
}
