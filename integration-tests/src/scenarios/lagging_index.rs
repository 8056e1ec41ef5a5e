//! An index of what an instance executes that shows everything late.

use std::sync::Arc;
use std::time::Duration;

use a2a::{SendMessageRequest, TaskState};
use a2a_cluster::ExecutorLost;
use a2a_testkit::{Delay, Forecast};
use a2a_testworld::world::{at_once, key};
use a2a_testworld::{Backends, Plan};

use super::eventually;
use super::stage::{Stage, numbers};
use crate::client::{replying, soon, task, texts};

/// Once in so long an instance compares what the index shows with what it works on.
const LEASE: Duration = Duration::from_secs(2);
const BEATS_IN_A_LEASE: u32 = 4;

fn hasty(plan: Plan) -> Plan {
    let resume = ExecutorLost::Resume { max_attempts: 1 };
    plan.config(|config| config.beat_interval(LEASE / BEATS_IN_A_LEASE).lease(LEASE).executor_lost(resume))
}

fn late(millis: u64) -> Forecast {
    let index_lag = Delay::between(Duration::from_millis(millis), Duration::from_millis(millis));
    Forecast { index_lag, ..Forecast::calm() }
}

pub async fn what_the_index_still_shows_of_earlier_turns_takes_nothing_from_the_next(
    backends: Arc<dyn Backends>,
) {
    let (stage, weather) = Stage::weathered(&backends, hasty).await;
    let store = backends.open().await.store;
    weather.set(late(1_000));
    let mut parked = stage.at(0).send("do ask").await;
    for instance in [0, 0, 1, 0, 0] {
        parked = stage.at(instance).reply(&parked, "do work; sleep 50; ask").await.unwrap();
    }
    let reply = SendMessageRequest {
        configuration: at_once(),
        ..replying(&parked, "do work; latch end; say x; done")
    };
    task(soon(stage.at(0).sdk.send_message(&reply)).await.unwrap());
    let head = async || store.head(&key(&parked.id)).await.unwrap().unwrap();
    let claim = head().await.claim;
    assert!(claim.is_some());
    let me = stage.fleet.id(0);
    let beat = async || store.member(&me).await.unwrap().unwrap().beat;
    let begun = beat().await;
    // What is found wrong twice would be set right.
    let looks = u64::from(BEATS_IN_A_LEASE) * 5 / 2;
    eventually("two looks", async || beat().await > begun + looks).await;
    assert_eq!((head().await.claim, stage.fleet.running(0)), (claim, 1));
    stage.fleet.latches().open("end");
    let done = stage.at(1).until(&parked.id, TaskState::Completed).await;
    assert_eq!(texts(&done), ["x"]);
    stage.leave().await;
}

pub async fn what_a_leaving_instance_hands_over_goes_on_before_the_index_shows_it(
    backends: Arc<dyn Backends>,
) {
    let (mut stage, weather) = Stage::weathered(&backends, hasty).await;
    weather.set(late(2_000));
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let (task, _origin) = stage.open(0, "do work; count 0 10; latch end; count 10 20; done").await;
        let elsewhere =
            vec![stage.at(1).joined(&task.id).await.unwrap(), stage.at(2).joined(&task.id).await.unwrap()];
        stage.chunks(1, &task.id, 10).await;
        tasks.push((task.id, elsewhere));
    }
    stage.fleet.retire(0, Duration::ZERO).await;
    stage.fleet.latches().open("end");
    for (id, elsewhere) in tasks {
        let heard = stage.heard(elsewhere).await;
        let truth = stage.at(1).get(&id).await.unwrap();
        assert_eq!((&truth.status.state, texts(&truth).len()), (&TaskState::Completed, 20));
        assert!(texts(&truth) == numbers(0..20));
        stage.audit(&truth, &heard).await;
    }
    stage.leave().await;
}
