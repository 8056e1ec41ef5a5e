//! Who is a member, who is dead, and what becomes of what the dead leave: in simulated time.

mod cut_off;
mod failing;
mod identity;
mod leaving;
mod overload;
mod shutdown;
mod taking_over;

use std::sync::Arc;
use std::time::Duration;

use a2a::{StreamResponse, Task, TaskState, TaskStatus};
use a2a_bus_memory::MemoryBus;
use a2a_cluster::{Config, ExecutorLost};
use a2a_core::{
    ClaimChange, Commit, CommitId, Env, InstanceId, Member, MemberState, Membership, Outcome, SystemEnv,
    TaskStore, Tenant, Tip,
};
use a2a_store_memory::MemoryStore;
use a2a_testkit::{FaultyStore, Forecast, Weather};
use tokio::time::{Instant, sleep};

use crate::world::{Bus, Node, World, key};

const LEASE: Duration = Duration::from_secs(15);

/// Starts instances that are connected by a bus that works.
async fn started(instances: usize, config: Config) -> World {
    World::with(instances, Bus::Plugged, config).await
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
