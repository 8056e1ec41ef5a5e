//! Buses that carry little or nothing, and stores that fail: slower, and otherwise the same.

use std::sync::Arc;
use std::time::Duration;

use a2a::TaskState;
use a2a_testkit::{Delay, Forecast, Weather};

use super::stage::{Stage, numbers};
use crate::client::texts;
use a2a_testworld::backends::{Backends, Weathered};

pub async fn without_a_bus_every_stream_is_complete_and_a_cancel_works(backends: Arc<dyn Backends>) {
    let stage = Stage::of(Arc::new(Weathered::new(backends, Weather::unplugged()))).await;
    counts_everywhere(&stage, 0).await;
    let (task, origin) = stage.open(0, "work; latch never; done").await;
    let streams = vec![origin, stage.at(1).joined(&task.id).await.unwrap()];
    let canceled = stage.at(2).cancel(&task.id).await.unwrap();
    assert_eq!(canceled.status.state, TaskState::Canceled);
    stage.agree(&task.id, streams).await;
    stage.leave().await;
}

pub async fn a_bus_that_loses_repeats_and_reorders_changes_nothing(backends: Arc<dyn Backends>) {
    let forecast = Forecast {
        loss: 0.3,
        duplication: 0.3,
        send_failed: 0.1,
        bus_delay: Delay::between(Duration::ZERO, Duration::from_millis(300)),
        ..Forecast::calm()
    };
    let stage = Stage::of(Arc::new(Weathered::new(backends, Weather::new(forecast)))).await;
    for round in 0..3 {
        counts_everywhere(&stage, round).await;
    }
    stage.leave().await;
}

pub async fn a_store_that_fails_and_loses_answers_changes_nothing(backends: Arc<dyn Backends>) {
    let weather = Weather::calm();
    let stage = Stage::of(Arc::new(Weathered::new(backends, weather.clone()))).await;
    weather.change(|forecast| {
        forecast.write_refused = 0.05;
        forecast.answer_lost = 0.05;
        forecast.read_failed = 0.05;
    });
    for round in 0..3 {
        counts_everywhere(&stage, round).await;
    }
    weather.set(Forecast::calm());
    stage.leave().await;
}

/// Counts on one instance while all listen.
async fn counts_everywhere(stage: &Stage, round: usize) {
    let (task, origin) =
        stage.open(0, &format!("work; count 0 50 3; latch go{round}; count 50 100 3; done")).await;
    let mut streams = vec![origin];
    for instance in [1, 2, 1, 2] {
        streams.extend(stage.at(instance).joined(&task.id).await);
    }
    stage.fleet.latches().open(&format!("go{round}"));
    assert!(streams.len() > 1);
    assert_eq!(texts(&stage.agree(&task.id, streams).await), numbers(0..100));
}
