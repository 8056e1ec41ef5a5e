//! What instances tell each other, where a send takes long.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use a2a::{CancelTaskRequest, TaskState, error_code};
use a2a_testkit::{Delay, Forecast};
use a2a_testworld::world::cancel;
use a2a_testworld::{Backends, Plan};
use futures::future::join_all;

use super::stage::Stage;
use crate::client::{soon, texts};

/// One after the other these would keep a cancel waiting for longer than it has patience with an executor.
const STREAMS: usize = 80;
const SEND: Duration = Duration::from_millis(300);

/// Nobody is passed over for what a busy machine does.
fn patient(plan: Plan) -> Plan {
    plan.config(|config| config.cancel_patience(Duration::from_secs(20)))
}

pub async fn streams_that_open_at_once_hold_no_cancel_back(backends: Arc<dyn Backends>) {
    let (stage, weather) = Stage::weathered(&backends, patient).await;
    let begun = join_all((0..STREAMS).map(|_| stage.at(0).begin("do work; latch never"))).await;
    let (task, origin) = stage.open(0, "do work; latch never / say asked; canceled").await;
    weather.set(Forecast { send_delay: Delay::between(SEND, SEND), ..Forecast::calm() });
    let opened = join_all(begun.iter().map(|task| stage.at(1).joined(&task.id))).await;
    let canceled = stage.at(1).cancel(&task.id).await.unwrap();
    assert_eq!((&canceled.status.state, texts(&canceled)), (&TaskState::Canceled, vec!["asked"]));
    assert!(opened.iter().all(Result::is_ok));
    drop(opened);
    weather.set(Forecast::calm());
    stage.agree(&task.id, vec![origin]).await;
    stage.leave().await;
}

pub async fn what_a_cancel_says_reaches_an_agent_elsewhere_and_its_refusal_the_caller(
    backends: Arc<dyn Backends>,
) {
    let stage = Stage::with(backends, patient).await;
    let (refuses, refusing) = stage.open(0, "do work; latch end; done / refuse").await;
    let (tells, telling) = stage.open(0, "do work; latch never / who; canceled").await;
    // A refusal holds for the cancel that it answers only.
    for from in [1, 2, 1, 0] {
        let refused = stage.at(from).cancel(&refuses.id).await.unwrap_err();
        assert_eq!(refused.code, error_code::TASK_NOT_CANCELABLE, "{refused}");
    }
    let why = HashMap::from([("why".to_owned(), "too late".into())]);
    let request = CancelTaskRequest { metadata: Some(why), ..cancel(&tells.id) };
    let canceled = soon(stage.at(1).sdk.cancel_task(&request)).await.unwrap();
    assert_eq!(canceled.status.state, TaskState::Canceled);
    assert!(texts(&canceled).concat().contains(r#""why":"too late""#), "{canceled:?}");
    stage.fleet.latches().open("end");
    assert_eq!(stage.agree(&refuses.id, vec![refusing]).await.status.state, TaskState::Completed);
    stage.agree(&tells.id, vec![telling]).await;
    stage.leave().await;
}
