//! Cancels, wherever they land and whatever they race with.

use std::sync::Arc;

use a2a::{TaskState, error_code};
use futures::future::{join, join_all};

use super::eventually;
use super::stage::Stage;
use crate::client::outline;
use a2a_testworld::Backends;

pub async fn a_running_task_is_cancelled_from_every_instance(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    for executor in 0..3 {
        for from in 0..3 {
            let (task, origin) = stage.open(executor, "work; count 0 5; latch never; done").await;
            let mut streams = vec![origin];
            for instance in 0..3 {
                streams.push(stage.at(instance).joined(&task.id).await.unwrap());
            }
            let canceled = stage.at(from).cancel(&task.id).await.unwrap();
            assert_eq!(canceled.status.state, TaskState::Canceled);
            let truth = stage.agree(&task.id, streams).await;
            assert_eq!(truth.status, canceled.status);
            for instance in 0..3 {
                assert_eq!(stage.at(instance).cancel(&task.id).await.unwrap().status, truth.status);
            }
        }
    }
    eventually("their ends", async || stage.running() == 0).await;
    stage.leave().await;
}

pub async fn cancels_from_all_instances_at_once_agree(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    for executor in 0..6 {
        let (task, origin) = stage.open(executor, "work; latch never; done").await;
        let cancels = join_all((0..3).map(|instance| stage.at(instance).cancel(&task.id))).await;
        let heard = stage.heard(vec![origin]).await;
        let truth = stage.agreed(&task.id, &heard).await;
        assert_eq!(truth.status.state, TaskState::Canceled);
        for canceled in cancels {
            assert_eq!(canceled.unwrap().status, truth.status);
        }
        assert_eq!(outline(heard[0].later()).iter().filter(|event| *event == "Canceled").count(), 1);
    }
    stage.leave().await;
}

pub async fn of_a_cancel_and_an_end_one_wins(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    for round in 0..9 {
        let latch = format!("end{round}");
        let (task, origin) = stage.open(round, &format!("work; latch {latch}; say a; done")).await;
        let watched = stage.at(round + 2).joined(&task.id).await.unwrap();
        let end = async {
            if round % 3 > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(round as u64)).await;
            }
            stage.fleet.latches().open(&latch);
        };
        let (answer, ()) = join(stage.at(round + 1).cancel(&task.id), end).await;
        let truth = stage.agree(&task.id, vec![origin, watched]).await;
        match answer {
            Ok(canceled) => assert_eq!(canceled.status, truth.status),
            Err(error) => {
                assert_eq!(error.code, error_code::TASK_NOT_CANCELABLE, "{error}");
                assert_eq!(truth.status.state, TaskState::Completed);
            }
        }
        assert!(truth.status.state.is_terminal());
    }
    stage.leave().await;
}

pub async fn a_parked_task_is_cancelled_where_the_request_lands(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    for from in 0..3 {
        let parked = stage.at(0).send("say a; ask").await;
        let watched = stage.at(from + 1).joined(&parked.id).await.unwrap();
        let canceled = stage.at(from).cancel(&parked.id).await.unwrap();
        assert_eq!(canceled.status.state, TaskState::Canceled);
        assert_eq!(stage.agree(&parked.id, vec![watched]).await, canceled);
    }
    stage.leave().await;
}
