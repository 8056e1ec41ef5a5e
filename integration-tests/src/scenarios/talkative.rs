//! Agents that say something all the time, also during each commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use a2a::{TaskState, error_code};
use a2a_testkit::{Delay, Forecast};
use a2a_testworld::{Backends, Plan};
use futures::future::join;

use super::eventually;
use super::stage::{Stage, inquisitive};
use crate::client::texts;

const TALKS: &str = "do work; talk 0 1 / say asked; canceled";

/// A plan in which each commit begins when the one before has ended.
fn back_to_back(plan: Plan, cancel_patience: Duration) -> Plan {
    plan.config(|config| {
        inquisitive(config).commit_spacing(Some(Duration::ZERO)).cancel_patience(cancel_patience)
    })
}

/// Nobody is passed over for what a busy machine does.
fn patient(plan: Plan) -> Plan {
    back_to_back(plan, Duration::from_secs(20))
}

/// Nobody waits long for an executor.
fn impatient(plan: Plan) -> Plan {
    back_to_back(plan, Duration::from_millis(500))
}

/// A store that takes longer than the agent is silent.
fn slow() -> Forecast {
    let store_delay = Delay::between(Duration::from_millis(4), Duration::from_millis(4));
    Forecast { store_delay, ..Forecast::calm() }
}

pub async fn an_agent_that_never_stops_talking_is_cancelled_and_holds_no_shutdown_up(
    backends: Arc<dyn Backends>,
) {
    let (mut stage, weather) = Stage::weathered(&backends, patient).await;
    weather.set(slow());
    let (task, origin) = stage.open(0, TALKS).await;
    let streams = vec![origin, stage.at(2).joined(&task.id).await.unwrap()];
    stage.chunks(1, &task.id, 20).await;
    let canceled = stage.at(0).cancel(&task.id).await.unwrap();
    assert_eq!(canceled.status.state, TaskState::Canceled);
    let truth = stage.agree(&task.id, streams).await;
    assert!(texts(&truth).contains(&"asked"), "the agent was not asked");

    let (task, origin) = stage.open(0, TALKS).await;
    let elsewhere = vec![stage.at(1).joined(&task.id).await.unwrap()];
    stage.chunks(1, &task.id, 20).await;
    drop(origin);
    let leaving = Instant::now();
    stage.fleet.retire(0, Duration::from_secs(1)).await;
    // The agent never ends.
    assert!(leaving.elapsed() < Duration::from_secs(30), "{:?}", leaving.elapsed());
    let heard = stage.heard(elsewhere).await;
    let truth = stage.at(2).get(&task.id).await.unwrap();
    assert_eq!(truth.status.state, TaskState::Failed);
    stage.audit(&truth, &heard).await;
    stage.leave().await;
}

pub async fn a_cancel_wins_against_an_executor_that_talks_and_cannot_be_asked(backends: Arc<dyn Backends>) {
    let (stage, weather) = Stage::weathered(&backends, impatient).await;
    let ids = [0, 1, 2].map(|instance| stage.fleet.id(instance));
    weather.part(&ids[..1], &ids[1..]);
    weather.set(slow());
    let (task, origin) = stage.open(0, "do work; talk 0 4").await;
    stage.chunks(1, &task.id, 20).await;
    let (one, other) = join(stage.at(1).cancel(&task.id), stage.at(2).cancel(&task.id)).await;
    let truth = stage.agree(&task.id, vec![origin]).await;
    assert_eq!(truth.status.state, TaskState::Canceled);
    assert_eq!([one.unwrap().status, other.unwrap().status], [truth.status.clone(), truth.status]);
    eventually("its end", async || stage.running() == 0).await;
    stage.leave().await;
}

pub async fn an_agent_that_refused_to_cancel_is_asked_again(backends: Arc<dyn Backends>) {
    let stage = Stage::with(backends, patient).await;
    let (task, origin) = stage.open(0, "do work; latch end; done / refuse").await;
    for _ in 0..3 {
        let refused = stage.at(0).cancel(&task.id).await.unwrap_err();
        assert_eq!(refused.code, error_code::TASK_NOT_CANCELABLE, "{refused}");
    }
    stage.fleet.latches().open("end");
    let truth = stage.agree(&task.id, vec![origin]).await;
    assert_eq!(truth.status.state, TaskState::Completed);
    stage.leave().await;
}
