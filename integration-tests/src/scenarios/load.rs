//! Many tasks at once, each with readers elsewhere.

use std::sync::Arc;

use futures::future::join_all;

use super::stage::{Stage, numbers};
use crate::client::texts;
use a2a_testworld::Backends;

const TASKS: usize = 60;

pub async fn many_tasks_at_once_are_told_completely(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    let plays = (0..TASKS).map(async |number| {
        let (task, origin) = stage.open(number, "work; latch begin; count 0 20; done").await;
        let mut streams = vec![origin];
        for elsewhere in [number + 1, number + 2] {
            streams.push(stage.at(elsewhere).joined(&task.id).await.unwrap());
        }
        (task.id, streams)
    });
    let opened = join_all(plays).await;
    stage.fleet.latches().open("begin");
    let ends = opened.into_iter().map(async |(id, streams)| stage.agree(&id, streams).await);
    for truth in join_all(ends).await {
        assert_eq!(texts(&truth), numbers(0..20));
    }
    stage.leave().await;
}
