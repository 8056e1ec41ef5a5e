//! Instances that cannot reach their store: streams end with an error, and no task fails where nobody can.

use std::sync::Arc;
use std::time::{Duration, Instant};

use a2a::TaskState;
use a2a_cluster::Config;
use a2a_testkit::Forecast;
use a2a_testworld::Backends;
use futures::future::join_all;

use super::eventually;
use super::stage::{Stage, inquisitive, numbers};
use crate::client::{Heard, texts};

const LEASE: Duration = Duration::from_secs(2);

fn short(config: Config) -> Config {
    inquisitive(config).beat_interval(Duration::from_millis(500)).lease(LEASE)
}

pub async fn a_store_that_is_away_ends_streams_and_no_task(backends: Arc<dyn Backends>) {
    let (stage, weather) = Stage::weathered(&backends, |plan| plan.config(short)).await;
    let (task, origin) = stage.open(0, "do work; count 0 10; latch end; count 10 20; done").await;
    let mut streams = vec![origin];
    for instance in 0..3 {
        streams.push(stage.at(instance).joined(&task.id).await.unwrap());
    }
    stage.chunks(1, &task.id, 10).await;
    weather.set(Forecast { write_refused: 1.0, read_failed: 1.0, ..Forecast::calm() });
    let began = Instant::now();
    stage.fleet.latches().open("end");
    for heard in join_all(streams.into_iter().map(Heard::by_what_may_break)).await {
        assert!(heard.error.is_some(), "an end without an error");
        assert!(heard.texts() == numbers(0..10), "{:?}", heard.texts());
    }
    assert!(began.elapsed() >= LEASE, "{:?}", began.elapsed());
    weather.set(Forecast::calm());
    let truth = stage.at(2).until(&task.id, TaskState::Completed).await;
    assert!(texts(&truth) == numbers(0..20));
    stage.audit(&truth, &[]).await;
    stage.leave().await;
}

pub async fn streams_of_an_instance_that_is_cut_off_alone_end_and_it_joins_again(
    backends: Arc<dyn Backends>,
) {
    let (stage, weather) = Stage::weathered(&backends, |plan| plan.config(short)).await;
    let (task, origin) = stage.open(0, "do work; count 0 10; latch never").await;
    let (own, _other) = stage.open(1, "do work; count 0 10; latch end; done").await;
    let (here, there) =
        (stage.at(0).joined(&own.id).await.unwrap(), stage.at(1).joined(&task.id).await.unwrap());
    stage.chunks(1, &task.id, 10).await;
    let cut_off = stage.fleet.id(0);
    weather.part_from_store(cut_off);
    let broken = [Heard::by_what_may_break(origin), Heard::by_what_may_break(here)];
    let [heard, broken] = <[Heard; 2]>::try_from(join_all(broken).await).unwrap();
    // A bus may tell it what became of its task.
    assert!(heard.error.is_some() || heard.task().status.state == TaskState::Failed, "{heard:?}");
    assert!(broken.error.is_some(), "an end without an error");
    let heard = stage.heard(vec![there]).await;
    let failed = stage.at(2).get(&task.id).await.unwrap();
    assert_eq!((&failed.status.state, texts(&failed).len()), (&TaskState::Failed, 10));
    stage.audit(&failed, &heard).await;
    stage.fleet.latches().open("end");
    stage.at(2).until(&own.id, TaskState::Completed).await;
    weather.heal();
    eventually("its next life", async || stage.fleet.id(0) != cut_off).await;
    eventually("the end of what went unheard", async || stage.fleet.running(0) == 0).await;
    assert_eq!(stage.at(0).send("done").await.status.state, TaskState::Completed);
    stage.leave().await;
}
