//! Readers of tasks that change hands or go away: whoever reads is fed or told why not.

use std::sync::Arc;

use a2a::{TaskState, error_code};
use a2a_testworld::world::{at_once, key};
use a2a_testworld::{Backends, Binding, Plan};

use super::eventually;
use super::stage::{Stage, inquisitive, numbers};
use crate::client::{Heard, replying, soon, task, texts};

/// How an agent may end that asked and stayed.
const ENDS: [&str; 5] = ["sleep 0", "say late", "done", "panic", "error broken"];

pub async fn readers_see_the_turn_of_another_instance_whatever_the_agent_does_that_asked(
    backends: Arc<dyn Backends>,
) {
    let stage = Stage::with(backends, |plan| plan.config(inquisitive)).await;
    for (round, ends) in ENDS.into_iter().enumerate() {
        let parked = stage.at(0).send(&format!("do ask; latch leave{round}; {ends}")).await;
        let mut streams = Vec::new();
        for instance in 0..3 {
            streams.push(stage.at(instance).joined(&parked.id).await.unwrap());
        }
        let text = format!("do work; count 0 10; latch end{round}; count 10 20; done");
        let reply = a2a::SendMessageRequest { configuration: at_once(), ..replying(&parked, &text) };
        let begun = task(soon(stage.at(1).sdk.send_message(&reply)).await.unwrap());
        assert_eq!(begun.id, parked.id);
        stage.fleet.latches().open(&format!("leave{round}"));
        for instance in 0..3 {
            streams.push(stage.at(instance).joined(&parked.id).await.unwrap());
        }
        stage.chunks(2, &parked.id, 10).await;
        eventually("the end of the agent that asked", async || stage.fleet.running(0) == 0).await;
        stage.fleet.latches().open(&format!("end{round}"));
        let truth = stage.agree(&parked.id, streams).await;
        assert_eq!((&truth.status.state, texts(&truth).len()), (&TaskState::Completed, 20), "{ends}");
        assert!(texts(&truth) == numbers(0..20), "{ends}");
    }
    stage.leave().await;
}

pub async fn readers_of_a_task_that_is_deleted_are_told_so(backends: Arc<dyn Backends>) {
    let plan = Plan::of(3).on(Arc::clone(&backends)).config(|config| inquisitive(config).ring_commits(2));
    // The SDK's REST client cannot read the error that ends a stream, and its gRPC client no task of this size.
    let stage = Stage::by([Binding::JsonRpc; 3], plan).await;
    let (task, origin) = stage.open(0, "do work; latch begin; burst 600 noise:8192; latch never").await;
    let mut streams = vec![origin];
    for instance in [0, 1, 2, 1] {
        streams.push(stage.at(instance).joined(&task.id).await.unwrap());
    }
    stage.fleet.latches().open("begin");
    stage.chunks(2, &task.id, 600).await;
    // Nobody has read on so far.
    assert!(backends.open().await.store.delete(&key(&task.id)).await.unwrap());
    for stream in streams {
        let end = Heard::by_what_may_break(stream).await.error.expect("no word of the deletion");
        assert_eq!(end.code, error_code::TASK_NOT_FOUND, "{end}");
    }
    eventually("the agent's end", async || stage.running() == 0).await;
    eventually("the end of what the streams needed", async || {
        (0..3).all(|instance| stage.fleet.streaming(instance) == 0)
    })
    .await;
    stage.leave().await;
}
