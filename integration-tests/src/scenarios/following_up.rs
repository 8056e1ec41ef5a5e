//! Messages to tasks that exist, wherever they land.

use std::sync::Arc;

use a2a::{SendMessageRequest, TaskState, error_code};
use futures::future::{join, join_all};

use super::stage::Stage;
use crate::client::{history, replying, saying, soon, task, texts};
use a2a_testworld::Backends;
use a2a_testworld::world::at_once;

pub async fn a_parked_task_is_answered_wherever_the_answer_lands(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    for first in 0..3 {
        let mut parked = stage.at(first).send("say a; ask").await;
        for instance in 0..3 {
            parked = stage.at(instance).reply(&parked, "auth").await.unwrap();
            assert_eq!(parked.status.state, TaskState::AuthRequired);
        }
        let done = stage.at(first + 1).reply(&parked, "done").await.unwrap();
        assert_eq!((&done.status.state, texts(&done)), (&TaskState::Completed, vec!["a"]));
        assert_eq!(history(&done), ["say a; ask", "auth", "auth", "auth", "done"]);
        assert_eq!(stage.agreed(&done.id, &[]).await, done);
    }
    stage.leave().await;
}

pub async fn of_two_answers_at_once_one_is_taken(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    for round in 0..6 {
        let parked = stage.at(round).send("ask").await;
        let latch = format!("end{round}");
        let answer = |instance: usize, text: &str| {
            let text = format!("work; latch {latch}; say {text}; done");
            let request = SendMessageRequest { configuration: at_once(), ..replying(&parked, &text) };
            let client = stage.at(instance);
            async move { soon(client.sdk.send_message(&request)).await.map(task) }
        };
        let (one, other) = join(answer(round + 1, "one"), answer(round + 2, "other")).await;
        let (taken, error) = match (one, other) {
            (Ok(_), Err(error)) => ("one", error),
            (Err(error), Ok(_)) => ("other", error),
            both => panic!("{both:?}"),
        };
        assert_eq!(error.code, error_code::UNSUPPORTED_OPERATION, "{error}");
        stage.fleet.latches().open(&latch);
        let done = stage.at(round).until(&parked.id, TaskState::Completed).await;
        assert_eq!((texts(&done), history(&done).len()), (vec![taken], 2));
    }
    stage.leave().await;
}

pub async fn a_running_task_takes_no_answer_on_any_instance(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    let running = stage.at(0).begin("work; latch end; done").await;
    for instance in 0..3 {
        let error = stage.at(instance).reply(&running, "more").await.unwrap_err();
        assert_eq!(error.code, error_code::UNSUPPORTED_OPERATION, "{error}");
    }
    stage.fleet.latches().open("end");
    let done = stage.at(1).until(&running.id, TaskState::Completed).await;
    assert_eq!(history(&done).len(), 1);
    stage.leave().await;
}

pub async fn a_message_that_is_sent_to_all_instances_at_once_makes_one_task(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    for _ in 0..5 {
        let request = saying("work; count 0 5; done");
        let sends = (0..3).map(|instance| soon(stage.at(instance).sdk.send_message(&request)));
        let mut tasks = join_all(sends).await.into_iter().map(|answer| task(answer.unwrap()));
        let first = tasks.next().unwrap();
        tasks.for_each(|other| assert_eq!(other, first));
    }
    stage.leave().await;
}
