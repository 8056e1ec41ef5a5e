//! Instances that end without a word, or seem to.

use std::sync::Arc;
use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::{Config, ExecutorLost};
use a2a_core::InstanceId;
use a2a_testkit::Weather;

use super::eventually;
use super::stage::{Stage, numbers, watchful};
use crate::client::{Heard, texts};
use a2a_testworld::backends::{Backends, Weathered};

fn resume(config: Config) -> Config {
    watchful(config).executor_lost(ExecutorLost::Resume { max_attempts: 3 })
}

pub async fn the_tasks_of_a_killed_instance_fail_and_streams_elsewhere_end(backends: Arc<dyn Backends>) {
    let mut stage = Stage::with(Arc::clone(&backends), |plan| plan.config(watchful)).await;
    let mut tasks = Vec::new();
    for _ in 0..5 {
        let (task, origin) = stage.open(0, "work; count 0 10; latch never; done").await;
        let elsewhere =
            vec![stage.at(1).joined(&task.id).await.unwrap(), stage.at(2).joined(&task.id).await.unwrap()];
        tasks.push((task.id, origin, elsewhere));
    }
    for (id, ..) in &tasks {
        stage.chunks(1, id, 10).await;
    }
    let dead = stage.fleet.id(0);
    stage.fleet.kill(0);
    for (id, origin, elsewhere) in tasks {
        assert!(Heard::by_what_may_break(origin).await.error.is_some(), "its connections end with it");
        let heard = stage.heard(elsewhere).await;
        let truth = stage.at(1).get(&id).await.unwrap();
        assert_eq!((&truth.status.state, texts(&truth).len()), (&TaskState::Failed, 10));
        assert!(truth.status.message.is_some(), "nothing says why");
        stage.audit(&truth, &heard).await;
    }
    assert_eq!(stage.at(2).send("done").await.status.state, TaskState::Completed);
    forgotten(&*backends, dead).await;
    stage.leave().await;
}

pub async fn a_killed_instance_is_resumed_and_streams_elsewhere_are_complete(backends: Arc<dyn Backends>) {
    let mut stage = Stage::with(Arc::clone(&backends), |plan| plan.config(resume)).await;
    let mut tasks = Vec::new();
    for _ in 0..5 {
        let (task, _origin) = stage.open(0, "work; count 0 150 30; done").await;
        let elsewhere =
            vec![stage.at(1).joined(&task.id).await.unwrap(), stage.at(2).joined(&task.id).await.unwrap()];
        tasks.push((task.id, elsewhere));
    }
    stage.chunks(1, &tasks[4].0, 20).await;
    let dead = stage.fleet.id(0);
    stage.fleet.kill(0);
    for (id, elsewhere) in tasks {
        let heard = stage.heard(elsewhere).await;
        let truth = stage.at(2).get(&id).await.unwrap();
        assert_eq!((&truth.status.state, texts(&truth).len()), (&TaskState::Completed, 150));
        assert!(texts(&truth) == numbers(0..150));
        stage.audit(&truth, &heard).await;
    }
    forgotten(&*backends, dead).await;
    stage.leave().await;
}

pub async fn a_parked_task_outlives_its_instance(backends: Arc<dyn Backends>) {
    let mut stage = Stage::with(Arc::clone(&backends), |plan| plan.config(watchful)).await;
    let parked = stage.at(0).send("say a; ask").await;
    let elsewhere = vec![stage.at(1).joined(&parked.id).await.unwrap()];
    let dead = stage.fleet.id(0);
    stage.fleet.kill(0);
    forgotten(&*backends, dead).await;
    assert_eq!(stage.at(1).get(&parked.id).await.unwrap(), parked);
    let done = stage.at(2).reply(&parked, "done").await.unwrap();
    assert_eq!(done.status.state, TaskState::Completed);
    let heard = stage.heard(elsewhere).await;
    stage.audit(&done, &heard).await;
    stage.leave().await;
}

pub async fn an_instance_that_dies_while_it_reads_disturbs_nobody(backends: Arc<dyn Backends>) {
    let mut stage = Stage::with(Arc::clone(&backends), |plan| plan.config(watchful)).await;
    let (task, origin) = stage.open(0, "work; count 0 100 20; latch end; count 100 200 20; done").await;
    let cut = stage.at(1).joined(&task.id).await.unwrap();
    let elsewhere = stage.at(2).joined(&task.id).await.unwrap();
    stage.chunks(2, &task.id, 20).await;
    let dead = stage.fleet.id(1);
    stage.fleet.kill(1);
    drop(cut);
    forgotten(&*backends, dead).await;
    stage.fleet.latches().open("end");
    let heard = stage.heard(vec![origin, elsewhere]).await;
    let truth = stage.at(2).get(&task.id).await.unwrap();
    assert!(texts(&truth) == numbers(0..200));
    stage.audit(&truth, &heard).await;
    stage.leave().await;
}

pub async fn an_instance_that_was_frozen_harms_nothing_when_it_wakes(backends: Arc<dyn Backends>) {
    let weather = Weather::calm();
    let weathered = Arc::new(Weathered::new(Arc::clone(&backends), weather.clone()));
    let mut stage = Stage::with(weathered, |plan| plan.config(resume)).await;
    let (task, origin) = stage.open(0, "work; count 0 60 100; done").await;
    let elsewhere =
        vec![stage.at(1).joined(&task.id).await.unwrap(), stage.at(2).joined(&task.id).await.unwrap()];
    stage.chunks(1, &task.id, 10).await;
    let zombie = stage.fleet.id(0);
    weather.freeze(zombie);
    let heard = stage.heard(elsewhere).await;
    weather.thaw(zombie);
    let truth = stage.at(1).get(&task.id).await.unwrap();
    assert!(texts(&truth) == numbers(0..60));
    stage.audit(&truth, &heard).await;
    // Its own streams end, with what everybody knows or with an error.
    let at_home = Heard::by_what_may_break(origin).await;
    let known = at_home.texts().len();
    assert_eq!(at_home.texts(), numbers(0..known));
    eventually("the end of the frozen instance's work", async || stage.fleet.running(0) == 0).await;
    assert_eq!(stage.at(2).get(&task.id).await.unwrap(), truth);
    // Behind the same sockets it is an instance like any other.
    eventually("its next life", async || stage.fleet.id(0) != zombie).await;
    assert_eq!(stage.at(0).send("done").await.status.state, TaskState::Completed);
    stage.fleet.retire(0, Duration::ZERO).await;
    stage.leave().await;
}

/// Waits until the survivors have evicted a dead instance and removed what it left on the bus.
async fn forgotten(backends: &dyn Backends, dead: InstanceId) {
    let dead = dead.to_string();
    eventually("the end of what the dead one left", async || {
        !backends.left().await.iter().any(|line| line.contains(&dead))
    })
    .await;
}
