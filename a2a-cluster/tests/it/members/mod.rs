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
mod watching;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use a2a::{StreamResponse, Task, TaskState, TaskStatus};
use a2a_bus_memory::MemoryBus;
use a2a_cluster::{Config, ExecutorLost};
use a2a_core::{
    ClaimChange, Commit, CommitId, Env, InstanceId, Member, MemberState, Membership, Outcome, Replay,
    SystemEnv, TaskStore, Tenant, Tip, Version,
};
use a2a_store_memory::{MemoryStore, MemoryStoreConfig};
use a2a_testkit::{Delay, FaultyStore, Forecast, Weather};
use futures::StreamExt;
use tokio::time::{Instant, sleep};

use crate::world::{Bus, Node, World, key, on_every_bus};

const LEASE: Duration = Duration::from_secs(15);
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

/// Starts instances on a bus.
async fn started(instances: usize, bus: Bus, config: Config) -> World {
    World::with(instances, bus, config).await
}

/// Draws ids that tell by which instance of a fleet they were drawn.
#[derive(Debug)]
struct Numbered(u8);

impl Env for Numbered {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        SystemEnv.now()
    }

    fn uuid(&self) -> uuid::Uuid {
        let mut bytes = SystemEnv.uuid().into_bytes();
        bytes[15] = self.0;
        uuid::Uuid::from_bytes(bytes)
    }

    fn chance(&self) -> f64 {
        SystemEnv.chance()
    }

    fn secret(&self) -> [u8; 32] {
        SystemEnv.secret()
    }
}

/// Starts instances that beat out of step with each other, and tell by the ids of their commits who they are.
async fn out_of_step(store: MemoryStore, instances: usize, bus: Bus, config: Config) -> World {
    let mut fleet = World::tuned(0, bus, store, config).await;
    for n in 0..instances {
        let number = u8::try_from(n).unwrap();
        fleet.add(|builder| builder.env(Arc::new(Numbered(number)))).await;
        sleep(Duration::from_millis(1_300)).await;
    }
    fleet
}

/// Waits until a member has just beaten, and then so long.
async fn after_beat(fleet: &World, n: usize, pause: Duration) {
    let beat = async || fleet.store.member(&fleet.nodes[n].first_id).await.unwrap().unwrap().beat;
    let before = beat().await;
    while beat().await == before {
        sleep(Duration::from_millis(1)).await;
    }
    sleep(pause).await;
}

/// How many of these tasks each executes.
async fn claims(fleet: &World, ids: &[String]) -> BTreeMap<InstanceId, usize> {
    let mut claims = BTreeMap::new();
    for id in ids {
        if let Some(claim) = fleet.head(id).await.claim {
            *claims.entry(claim.instance).or_default() += 1;
        }
    }
    claims
}

/// How many tasks a member executes, by its place.
async fn executes(fleet: &World, n: usize) -> usize {
    let (mut tasks, mut after) = (0, None);
    loop {
        let page = fleet.store.executing(&fleet.nodes[n].first_id, after.as_ref()).await.unwrap();
        tasks += page.tasks.len();
        after = page.next;
        if after.is_none() {
            return tasks;
        }
    }
}

/// Tells whether some members, by their places, execute nothing.
async fn have_lost_all(fleet: &World, members: &[usize]) -> bool {
    for n in members {
        let page = fleet.store.executing(&fleet.nodes[*n].first_id, None).await.unwrap();
        if !page.tasks.is_empty() {
            return false;
        }
    }
    true
}

/// How many of these tasks each member of a fleet that is [`out_of_step`] wrote to last.
async fn wrote_last(fleet: &World, ids: &[String]) -> Vec<usize> {
    let mut shares = vec![0; fleet.nodes.len()];
    for id in ids {
        let log = fleet.store.commits_after(&key(id), Version::ABSENT).await.unwrap();
        let Replay::Commits(commits) = log else { panic!("the log of {id} is kept") };
        let writer = commits.last().unwrap().id.uuid().into_bytes()[15];
        shares[usize::from(writer)] += 1;
    }
    shares
}

/// Calls of the store take so long for each way.
fn slow(millis: u64) -> Forecast {
    let delay = Duration::from_millis(millis);
    Forecast { store_delay: Delay::between(delay, delay), ..Forecast::calm() }
}

/// A store whose index of what an instance executes has small pages.
fn small_pages() -> MemoryStore {
    MemoryStore::with_config(MemoryStoreConfig::default().executing_page(10))
}

/// Starts as many tasks, some at a time.
async fn start_many(node: &Node, count: usize, text: &str) -> Vec<String> {
    futures::stream::iter(0..count).map(async |_| node.start(text).await.id).buffered(64).collect().await
}

fn resuming(max_attempts: u32) -> Config {
    Config::default().executor_lost(ExecutorLost::Resume { max_attempts })
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
