//! Streams that are long, and artifacts that are large.

use std::sync::Arc;

use a2a::{StreamResponse, TaskState};

use super::stage::{Stage, numbers};
use crate::client::{Events, next, texts};
use a2a_testworld::Backends;
use a2a_testworld::{Binding, Plan};

/// The SDK's gRPC client takes no message over 4 MiB.
const SPACIOUS: [Binding; 3] = [Binding::JsonRpc, Binding::Rest, Binding::JsonRpc];

pub async fn five_thousand_chunks_arrive_everywhere_in_order(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    let (task, origin) = stage.open(0, "work; latch begin; count 0 5000; done").await;
    let mut streams = vec![origin];
    for instance in 0..3 {
        streams.push(stage.at(instance).joined(&task.id).await.unwrap());
    }
    let amid = stage.at(1).joined(&task.id).await.unwrap();
    stage.fleet.latches().open("begin");
    hears(amid, 100).await;
    for instance in 1..3 {
        streams.extend(stage.at(instance).joined(&task.id).await);
    }
    assert!(texts(&stage.agree(&task.id, streams).await) == numbers(0..5000));
    stage.leave().await;
}

pub async fn an_artifact_of_several_megabytes_arrives_everywhere(backends: Arc<dyn Backends>) {
    let stage = Stage::by(SPACIOUS, Plan::of(3).on(backends)).await;
    let (task, origin) = stage
        .open(0, "work; latch begin; burst 1 noise:3072000; burst 5 noise:409600; latch end; done")
        .await;
    let mut streams = vec![origin];
    for instance in 0..3 {
        streams.push(stage.at(instance).joined(&task.id).await.unwrap());
    }
    let amid = stage.at(1).joined(&task.id).await.unwrap();
    stage.fleet.latches().open("begin");
    hears(amid, 6).await;
    for instance in 0..3 {
        streams.push(stage.at(instance).joined(&task.id).await.unwrap());
    }
    stage.fleet.latches().open("end");
    let truth = stage.agree(&task.id, streams).await;
    let bytes: usize = texts(&truth).iter().map(|text| text.len()).sum();
    assert_eq!((&truth.status.state, bytes), (&TaskState::Completed, 5000 * 1024));
    stage.leave().await;
}

pub async fn a_reader_that_sleeps_is_told_everything_when_it_wakes(backends: Arc<dyn Backends>) {
    let stage = Stage::by(SPACIOUS, Plan::of(3).on(backends)).await;
    let (task, origin) = stage.open(0, "work; latch begin; burst 600 noise:8192; done").await;
    let mut asleep = vec![origin];
    for instance in 0..3 {
        asleep.push(stage.at(instance).joined(&task.id).await.unwrap());
    }
    let awake = stage.at(2).joined(&task.id).await.unwrap();
    stage.fleet.latches().open("begin");
    hears(awake, 600).await;
    assert_eq!(texts(&stage.agree(&task.id, asleep).await).len(), 600);
    stage.leave().await;
}

/// Reads a stream until it has told so many chunks, then leaves it.
async fn hears(mut events: Events, mut chunks: usize) {
    while chunks > 0 {
        if let StreamResponse::ArtifactUpdate(update) = next(&mut events).await {
            chunks = chunks.saturating_sub(update.artifact.parts.len());
        }
    }
}
