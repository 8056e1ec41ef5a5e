//! What instances tell each other, where a send takes long.

use std::sync::Arc;
use std::time::Duration;

use a2a::TaskState;
use a2a_testkit::{Delay, Forecast};
use a2a_testworld::Backends;
use futures::future::join_all;

use super::stage::Stage;
use crate::client::texts;

/// One after the other these would keep a cancel waiting for longer than it has patience with an executor.
const STREAMS: usize = 80;

pub async fn streams_that_open_at_once_hold_no_cancel_back(backends: Arc<dyn Backends>) {
    let (stage, weather) = Stage::weathered(&backends, |plan| plan).await;
    let begun = join_all((0..STREAMS).map(|_| stage.at(0).begin("do work; latch never"))).await;
    let (task, origin) = stage.open(0, "do work; latch never / say asked; canceled").await;
    let long = Delay::between(Duration::from_millis(100), Duration::from_millis(100));
    weather.set(Forecast { send_delay: long, ..Forecast::calm() });
    let opened = join_all(begun.iter().map(|task| stage.at(1).joined(&task.id))).await;
    let canceled = stage.at(1).cancel(&task.id).await.unwrap();
    assert_eq!((&canceled.status.state, texts(&canceled)), (&TaskState::Canceled, vec!["asked"]));
    assert!(opened.iter().all(Result::is_ok));
    drop(opened);
    weather.set(Forecast::calm());
    stage.agree(&task.id, vec![origin]).await;
    stage.leave().await;
}
