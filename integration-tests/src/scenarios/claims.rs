//! Who has a task, where claims are refused, unanswered, or ended late.

use std::sync::Arc;
use std::time::Duration;

use a2a::{SendMessageRequest, TaskState};
use a2a_testkit::Forecast;
use a2a_testworld::Backends;
use a2a_testworld::world::{at_once, key};
use futures::future::join;

use super::eventually;
use super::stage::{Stage, inquisitive};
use crate::client::{replying, soon, texts};

pub async fn a_release_that_arrives_late_ends_no_later_claim(backends: Arc<dyn Backends>) {
    let stage = Stage::of(Arc::clone(&backends)).await;
    let store = backends.open().await.store;
    for next in [0, 1] {
        let begun = stage.at(0).begin(&format!("do work; latch ask{next}; ask")).await;
        let key = key(&begun.id);
        let claim = async || store.head(&key).await.unwrap().unwrap().claim;
        let earlier = claim().await.expect("a claim on what is worked on");
        stage.fleet.latches().open(&format!("ask{next}"));
        let parked = stage.at(0).until(&begun.id, TaskState::InputRequired).await;
        let text = format!("do work; latch end{next}; say x; done");
        let reply = SendMessageRequest { configuration: at_once(), ..replying(&parked, &text) };
        soon(stage.at(next).sdk.send_message(&reply)).await.unwrap();
        soon(stage.fleet.latches().reached(&format!("end{next}"))).await;
        let later = claim().await.expect("a claim on what is worked on");
        store.release(&key, &earlier).await.unwrap();
        assert_eq!(claim().await, Some(later));
        let executes = store.executing(&later.instance, None).await.unwrap().tasks;
        assert!(executes.contains(&key), "the index has lost it");
        stage.fleet.latches().open(&format!("end{next}"));
        let done = stage.at(2).until(&parked.id, TaskState::Completed).await;
        assert_eq!(texts(&done), ["x"]);
        eventually("the end of the claim", async || claim().await.is_none()).await;
    }
    stage.leave().await;
}

pub async fn a_follow_up_that_is_refused_leaves_the_agent_that_asked_as_it_was(backends: Arc<dyn Backends>) {
    let impatient = |plan: a2a_testworld::Plan| {
        plan.config(|config| inquisitive(config).request_patience(Duration::from_secs(3)))
    };
    let (stage, weather) = Stage::weathered(&backends, impatient).await;
    let parked = stage.at(0).send("do ask; latch on; say on; done").await;
    let watched = stage.at(1).joined(&parked.id).await.unwrap();
    for instance in [0, 1] {
        weather.set(Forecast { write_refused: 1.0, ..Forecast::calm() });
        assert!(stage.at(instance).reply(&parked, "do work; done").await.is_err());
        weather.set(Forecast::calm());
        assert_eq!(stage.at(2).get(&parked.id).await.unwrap(), parked);
        assert_eq!(stage.fleet.running(0), 1, "refused on {instance}");
    }
    stage.fleet.latches().open("on");
    let truth = stage.agree(&parked.id, vec![watched]).await;
    assert_eq!((&truth.status.state, texts(&truth)), (&TaskState::Completed, vec!["on"]));
    stage.leave().await;
}

pub async fn a_claim_whose_answer_stays_away_is_found_out(backends: Arc<dyn Backends>) {
    let (stage, weather) = Stage::weathered(&backends, |plan| plan).await;
    let store = backends.open().await.store;
    for instance in [0, 1] {
        let parked = stage.at(0).send("do ask").await;
        let key = key(&parked.id);
        let claim = async || store.head(&key).await.unwrap().unwrap().claim;
        weather.set(Forecast { answer_lost: 1.0, ..Forecast::calm() });
        let heals = async {
            eventually("the claim", async || claim().await.is_some()).await;
            weather.set(Forecast::calm());
        };
        let (done, ()) = join(stage.at(instance).reply(&parked, "do work; say x; done"), heals).await;
        let done = done.unwrap();
        assert_eq!((&done.status.state, texts(&done)), (&TaskState::Completed, vec!["x"]));
        assert_eq!(stage.agreed(&parked.id, &[]).await, done);
        assert_eq!(claim().await, None);
    }
    stage.leave().await;
}

pub async fn a_claim_whose_answer_never_comes_is_worked_on_or_not_and_is_not_called_undone(
    backends: Arc<dyn Backends>,
) {
    let impatient =
        |plan: a2a_testworld::Plan| plan.config(|config| config.request_patience(Duration::from_secs(3)));
    let (stage, weather) = Stage::weathered(&backends, impatient).await;
    let store = backends.open().await.store;
    for instance in [0, 1] {
        let parked = stage.at(0).send("do ask").await;
        let key = key(&parked.id);
        weather.set(Forecast { answer_lost: 1.0, ..Forecast::calm() });
        let told = stage.at(instance).reply(&parked, "do work; say x; done").await;
        assert!(told.unwrap_err().message.contains("not known"));
        weather.set(Forecast::calm());
        let done = stage.at(2).until(&parked.id, TaskState::Completed).await;
        assert_eq!(texts(&done), ["x"]);
        eventually("the end of the claim", async || store.head(&key).await.unwrap().unwrap().claim.is_none())
            .await;
    }
    stage.leave().await;
}
