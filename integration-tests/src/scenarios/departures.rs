//! Instances that leave in order, with work in their hands.

use std::sync::Arc;
use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::{Config, ExecutorLost};

use super::stage::{Stage, numbers, watchful};
use crate::client::texts;
use a2a_testworld::Backends;
use a2a_testworld::PATIENCE;

pub async fn agents_finish_within_the_grace_and_streams_elsewhere_are_complete(backends: Arc<dyn Backends>) {
    let mut stage = Stage::of(backends).await;
    let (task, origin) = stage.open(0, "work; count 0 10 10; latch on; count 10 60 10; done").await;
    let elsewhere =
        [stage.at(1).joined(&task.id).await.unwrap(), stage.at(2).joined(&task.id).await.unwrap()];
    stage.fleet.latches().open("on");
    stage.fleet.retire(0, PATIENCE).await;
    let heard = stage.heard([origin].into_iter().chain(elsewhere).collect()).await;
    let truth = stage.at(1).get(&task.id).await.unwrap();
    assert_eq!((&truth.status.state, texts(&truth)), (&TaskState::Completed, as_text(&numbers(0..60))));
    stage.audit(&truth, &heard).await;
    stage.leave().await;
}

pub async fn what_is_left_at_the_end_of_the_grace_is_resumed_elsewhere(backends: Arc<dyn Backends>) {
    let mut stage = Stage::with(backends, |plan| plan.config(resume)).await;
    let (task, origin) = stage.open(0, "work; count 0 10 20; latch on; count 10 100 20; done").await;
    let elsewhere =
        [stage.at(1).joined(&task.id).await.unwrap(), stage.at(2).joined(&task.id).await.unwrap()];
    stage.chunks(1, &task.id, 10).await;
    stage.fleet.latches().open("on");
    stage.fleet.retire(0, Duration::ZERO).await;
    drop(origin);
    let heard = stage.heard(elsewhere.into()).await;
    let truth = stage.at(2).get(&task.id).await.unwrap();
    assert_eq!((&truth.status.state, texts(&truth)), (&TaskState::Completed, as_text(&numbers(0..100))));
    stage.audit(&truth, &heard).await;
    stage.leave().await;
}

pub async fn every_instance_is_replaced_and_no_reader_elsewhere_misses_anything(backends: Arc<dyn Backends>) {
    let mut stage = Stage::with(backends, |plan| plan.config(resume)).await;
    for old in 0..3 {
        let script = format!("work; count 0 10 10; latch go{old}; count 10 60 10; done");
        let (task, origin) = stage.open(old, &script).await;
        let new = stage.add().await;
        let elsewhere = vec![
            stage.at(new).joined(&task.id).await.unwrap(),
            stage.at(new - 1).joined(&task.id).await.unwrap(),
        ];
        stage.fleet.latches().open(&format!("go{old}"));
        stage.fleet.retire(old, Duration::from_millis(100)).await;
        drop(origin);
        let heard = stage.heard(elsewhere).await;
        let truth = stage.at(new).get(&task.id).await.unwrap();
        assert_eq!((&truth.status.state, texts(&truth)), (&TaskState::Completed, as_text(&numbers(0..60))));
        stage.audit(&truth, &heard).await;
    }
    stage.leave().await;
}

fn resume(config: Config) -> Config {
    watchful(config).executor_lost(ExecutorLost::Resume { max_attempts: 5 })
}

fn as_text(numbers: &[String]) -> Vec<&str> {
    numbers.iter().map(String::as_str).collect()
}
