//! Messages that are sent again while their task is being made: one agent works, and all are told of it.

use std::sync::Arc;
use std::time::Duration;

use a2a::{SendMessageRequest, TaskState};
use a2a_testkit::{Delay, Forecast};
use a2a_testworld::Backends;
use a2a_testworld::world::at_once;
use futures::future::{join, join_all};

use super::eventually;
use super::stage::{Stage, numbers};
use crate::client::{saying, soon, task, texts};

pub async fn a_message_that_is_sent_again_while_its_task_is_made_joins_its_agent(
    backends: Arc<dyn Backends>,
) {
    let (stage, weather) = Stage::weathered(&backends, |plan| plan).await;
    let slow = Delay::between(Duration::from_millis(300), Duration::from_millis(300));
    weather.set(Forecast { store_delay: slow, ..Forecast::calm() });
    let request = saying("do work; latch end; say once; done");
    let repeat = SendMessageRequest { configuration: at_once(), ..request.clone() };
    let repeats = async {
        let moments = [(0, 100), (0, 350), (0, 700), (1, 100), (1, 350), (2, 700)];
        let repeats = moments.map(|(instance, after)| {
            let (stage, repeat) = (&stage, &repeat);
            async move {
                tokio::time::sleep(Duration::from_millis(after)).await;
                task(soon(stage.at(instance).sdk.send_message(repeat)).await.unwrap()).id
            }
        });
        let ids = join_all(repeats).await;
        weather.set(Forecast::calm());
        eventually("one agent", async || stage.running() == 1).await;
        stage.fleet.latches().open("end");
        ids
    };
    let (first, repeats) = join(soon(stage.at(0).sdk.send_message(&request)), repeats).await;
    let first = task(first.unwrap());
    assert!(repeats.iter().all(|id| *id == first.id), "{repeats:?}");
    assert_eq!((&first.status.state, texts(&first)), (&TaskState::Completed, vec!["once"]));
    assert_eq!(stage.agreed(&first.id, &[]).await, first);
    eventually("its end", async || stage.running() == 0).await;
    stage.leave().await;
}

pub async fn equal_messages_at_once_are_all_streamed_to_the_end(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    for round in 0..3 {
        let request = saying("do work; count 0 20 5; done");
        let opening = [round, round + 1, round + 2, round].map(|instance| {
            let (stage, request) = (&stage, &request);
            async move { soon(stage.at(instance).sdk.send_streaming_message(request)).await.unwrap() }
        });
        let heard = stage.heard(join_all(opening).await).await;
        let id = &heard[0].first().id;
        assert!(heard.iter().all(|one| one.first().id == *id));
        assert!(texts(&stage.agreed(id, &heard).await) == numbers(0..20));
    }
    stage.leave().await;
}

pub async fn of_equal_messages_none_that_returns_immediately_waits_for_the_turn(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    for round in 0..3 {
        let request = saying(&format!("do work; latch end{round}; done"));
        let request = SendMessageRequest { configuration: at_once(), ..request };
        let sends = (0..3).map(|instance| soon(stage.at(instance).sdk.send_message(&request)));
        let begun: Vec<_> = join_all(sends).await.into_iter().map(|answer| task(answer.unwrap())).collect();
        for one in &begun {
            assert!(one.id == begun[0].id && !one.status.state.is_terminal(), "{one:?}");
        }
        stage.fleet.latches().open(&format!("end{round}"));
        stage.at(round).until(&begun[0].id, TaskState::Completed).await;
    }
    stage.leave().await;
}
