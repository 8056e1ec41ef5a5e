//! Tasks whose executor is gone, where one of them cannot be read, and where they are more than a page of the index.

use std::sync::Arc;
use std::time::Duration;

use a2a::{StreamResponse, TaskState};
use a2a_cluster::ExecutorLost;
use a2a_core::{ClaimChange, Commit, CommitId, InstanceId, Outcome, Store, SystemEnv, Tip};
use a2a_testkit::agent::Speaker;
use a2a_testworld::Backends;
use a2a_testworld::world::key;
use futures::future::join_all;

use super::eventually;
use super::stage::{Stage, watchful};

/// More than a page of what an instance executes.
const MORE_THAN_A_PAGE: usize = 120;

pub async fn one_task_that_cannot_be_read_does_not_hold_up_the_others(backends: Arc<dyn Backends>) {
    let (mut stage, weather) = Stage::weathered(&backends, |plan| plan.config(watchful)).await;
    let mut ids = join_all((0..9).map(|_| stage.at(0).begin("do work; latch never"))).await;
    // Neither the first nor the last of the index.
    ids.sort_by(|one, other| one.id.cmp(&other.id));
    let bad = ids.remove(4);
    weather.spoil(&key(&bad.id));
    let dead = stage.fleet.id(0);
    stage.fleet.kill(0);
    // Whoever asks for a task has it looked into: so nobody asks.
    let store = backends.open().await.store;
    let left = async || store.executing(&dead, None).await.unwrap().tasks;
    eventually("the take-over of the others", async || left().await == [key(&bad.id)]).await;
    weather.mend(&key(&bad.id));
    eventually("its take-over", async || left().await.is_empty()).await;
    ids.push(bad);
    for task in ids {
        assert_eq!(stage.at(1).get(&task.id).await.unwrap().status.state, TaskState::Failed);
    }
    stage.leave().await;
}

pub async fn more_tasks_than_a_page_are_taken_over_and_shared(backends: Arc<dyn Backends>) {
    let resume = ExecutorLost::Resume { max_attempts: 2 };
    let mut stage =
        Stage::with(backends, |plan| plan.config(|config| watchful(config).executor_lost(resume))).await;
    begin(&stage, MORE_THAN_A_PAGE).await;
    stage.fleet.kill(0);
    let running = || [stage.fleet.running(1), stage.fleet.running(2)];
    eventually("the take-over", async || running().iter().sum::<usize>() == MORE_THAN_A_PAGE).await;
    // Chance may favour one of two.
    assert!(running().into_iter().all(|share| share <= MORE_THAN_A_PAGE * 3 / 4), "{:?}", running());
    stage.leave().await;
}

pub async fn a_task_that_nobody_works_on_is_found_behind_more_than_a_page(backends: Arc<dyn Backends>) {
    // What the index says is looked into by the lease.
    let (beat, lease) = (Duration::from_secs(1), Duration::from_secs(6));
    let stage = Stage::with(Arc::clone(&backends), |plan| {
        plan.config(|config| config.beat_interval(beat).lease(lease))
    })
    .await;
    begin(&stage, MORE_THAN_A_PAGE).await;
    // Behind all others in the index.
    executed_by(&*backends.open().await.store, stage.fleet.id(0), "zzz").await;
    stage.at(1).until("zzz", TaskState::Failed).await;
    assert_eq!(stage.fleet.running(0), MORE_THAN_A_PAGE);
    stage.leave().await;
}

/// Begins so many tasks on the first instance.
async fn begin(stage: &Stage, tasks: usize) {
    join_all((0..tasks).map(|_| stage.at(0).begin("do work; latch never"))).await;
    assert_eq!(stage.fleet.running(0), tasks);
}

/// Writes a task that an instance executes, without its knowledge.
async fn executed_by(store: &dyn Store, executor: InstanceId, id: &str) {
    let Ok(event) = Speaker::new(id, "context").event(a2a_testkit::agent::Said::Task(Vec::new())) else {
        panic!("no task")
    };
    let StreamResponse::Task(task) = &event else { panic!("no task") };
    let task = task.clone();
    let commit = Commit::new(Tip::ABSENT, CommitId::generate(&SystemEnv), vec![event], &task)
        .claim(ClaimChange::Make { instance: executor, attempt: 1 });
    assert!(matches!(store.commit(&key(id), commit).await.unwrap(), Outcome::Applied(_)));
}
