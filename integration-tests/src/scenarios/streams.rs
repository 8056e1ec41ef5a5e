//! Streams of one task, opened anywhere and at any time: the task first, then everything later, once and in order.

use std::sync::Arc;
use std::time::Duration;

use a2a::{TaskState, error_code};
use futures::future::join_all;

use super::stage::{Stage, numbers};
use crate::client::{outline, texts};
use a2a_testworld::Backends;

pub async fn every_instance_tells_the_same_of_a_task(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    for executor in 0..3 {
        let text =
            format!("work; latch early{executor}; count 0 20; latch late{executor}; count 20 40; done");
        let (task, origin) = stage.open(executor, &text).await;
        let mut streams = vec![origin];
        for instance in [0, 1, 2, 0, 1, 2] {
            streams.push(stage.at(instance).joined(&task.id).await.unwrap());
        }
        stage.fleet.latches().open(&format!("early{executor}"));
        stage.chunks(executor + 1, &task.id, 20).await;
        for instance in 0..3 {
            streams.push(stage.at(instance).joined(&task.id).await.unwrap());
        }
        stage.fleet.latches().open(&format!("late{executor}"));
        let heard = stage.heard(streams).await;
        assert!(heard[1..7].iter().all(|early| texts(early.first()).is_empty()));
        assert!(heard[7..].iter().all(|late| texts(late.first()) == numbers(0..20)));
        let truth = stage.agreed(&task.id, &heard).await;
        assert_eq!(
            (truth.status.state.clone(), texts(&truth)),
            (TaskState::Completed, as_text(&numbers(0..40)))
        );
    }
    stage.leave().await;
}

pub async fn a_subscription_right_after_the_creation_misses_nothing(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    let mut joined = 0;
    for round in 0..9 {
        let (task, origin) = stage.open(round, "work; count 0 30 5; done").await;
        let elsewhere = [round + 1, round + 2, round].map(|instance| stage.at(instance).joined(&task.id));
        let mut streams = vec![origin];
        for stream in join_all(elsewhere).await {
            match stream {
                Ok(stream) => streams.push(stream),
                // It was too late for this one.
                Err(error) => assert_eq!(error.code, error_code::UNSUPPORTED_OPERATION, "{error}"),
            }
        }
        joined += streams.len() - 1;
        assert_eq!(texts(&stage.agree(&task.id, streams).await), numbers(0..30));
    }
    assert!(joined > 0, "every subscription came too late");
    stage.leave().await;
}

pub async fn a_stream_opened_at_any_moment_misses_and_repeats_nothing(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    let (task, origin) = stage.open(0, "work; count 0 100 5; latch on; count 100 150 5; done").await;
    let mut joining = Vec::new();
    for moment in 0..40_u32 {
        let (stage, id) = (&stage, &task.id);
        joining.push(async move {
            tokio::time::sleep(Duration::from_millis(20) * moment).await;
            let joined = stage.at(moment as usize).joined(id).await;
            // The last ones come too late, or nearly so.
            if moment == 30 {
                stage.fleet.latches().open("on");
            }
            joined
        });
    }
    let mut streams = vec![origin];
    for stream in join_all(joining).await {
        match stream {
            Ok(stream) => streams.push(stream),
            Err(error) => assert_eq!(error.code, error_code::UNSUPPORTED_OPERATION, "{error}"),
        }
    }
    assert!(streams.len() > 10, "only {} streams were opened", streams.len());
    assert_eq!(texts(&stage.agree(&task.id, streams).await), numbers(0..150));
    stage.leave().await;
}

pub async fn a_parked_task_tells_every_instance_of_turns_that_others_run(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    let parked = stage.at(0).send("count 0 3; ask").await;
    let mut streams = Vec::new();
    for instance in 0..3 {
        streams.push(stage.at(instance).joined(&parked.id).await.unwrap());
    }
    for instance in [1, 2, 0] {
        let next = stage.at(instance).reply(&parked, "count 0 4; ask").await.unwrap();
        assert_eq!(next.status.state, TaskState::InputRequired);
    }
    stage.at(1).reply(&parked, "count 0 5; done").await.unwrap();
    let heard = stage.heard(streams).await;
    let turn = |end: &str| ["Working".to_owned(), end.to_owned()];
    for one in &heard {
        let outline: Vec<_> =
            outline(one.later()).into_iter().filter(|event| !event.starts_with('[')).collect();
        let turns = ["InputRequired", "InputRequired", "InputRequired", "Completed"].map(turn);
        assert_eq!(outline, turns.concat());
    }
    stage.agreed(&parked.id, &heard).await;
    stage.leave().await;
}

pub async fn readers_that_leave_disturb_nobody(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    let (task, origin) = stage.open(0, "work; count 0 100 5; latch end; done").await;
    let mut streams = vec![origin];
    for instance in 0..3 {
        streams.push(stage.at(instance).joined(&task.id).await.unwrap());
    }
    for round in 0..10 {
        let leaving = stage.at(round).joined(&task.id).await.unwrap();
        stage.chunks(round + 1, &task.id, round * 10).await;
        drop(leaving);
    }
    // The origin's client leaves, too.
    drop(streams.remove(0));
    stage.fleet.latches().open("end");
    assert_eq!(texts(&stage.agree(&task.id, streams).await), numbers(0..100));
    stage.leave().await;
}

fn as_text(numbers: &[String]) -> Vec<&str> {
    numbers.iter().map(String::as_str).collect()
}
