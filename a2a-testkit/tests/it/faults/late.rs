//! Writes that arrive when nobody waits for their answers any more: commits by default, all of them where asked for.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::{
    BackendError, Beat, ConfigRevision, DeliveryId, Deployment, GivenUpDelivery, Keys, Member, Membership,
    PushConfigs, PushDelivery, PushProgress, PushSubscription, Result, TaskKey, TaskStore, Version,
};
use a2a_testkit::sample::{TaskModel, at, claim, instance};
use a2a_testkit::{Delay, FaultyStore, Forecast, Late, Weather};
use tokio::time::sleep;
use uuid::Uuid;

use crate::reference::Reference;

const LATENESS: Duration = Duration::from_secs(5);

/// A store whose every write is late, and the truth behind it.
fn late_store(late: Late) -> (FaultyStore, Reference) {
    let truth = Reference::default();
    let lateness = Delay::between(LATENESS, LATENESS);
    let weather = Weather::new(Forecast { write_late: 1.0, late, lateness, ..Forecast::calm() });
    (FaultyStore::new(Arc::new(truth.clone()), weather, 1), truth)
}

fn unanswered<T: std::fmt::Debug>(answer: Result<T>) {
    assert!(matches!(answer, Err(BackendError::Indeterminate(_))), "of a late write: {answer:?}");
}

fn webhook(key: &TaskKey) -> PushSubscription {
    let config = serde_json::json!({"url": "http://x", "id": "w", "taskId": key.task_id});
    PushSubscription::new(
        serde_json::from_value(config).unwrap(),
        ConfigRevision::from_uuid(Uuid::nil()),
        Version::ABSENT,
    )
}

#[tokio::test(start_paused = true)]
async fn a_late_release_ends_a_claim_long_after_its_holder_gave_up() {
    let (store, truth) = late_store(Late::Writes);
    let mut model = TaskModel::new("t").begin(&truth).await;
    model.tell_with(&truth, Vec::new(), claim(instance())).await;
    let held = model.claim.unwrap();
    unanswered(store.release(&model.key, &held).await);
    assert_eq!(truth.load(&model.key).await.unwrap(), model.stored());
    sleep(LATENESS + Duration::from_secs(1)).await;
    model.released(&held);
    assert_eq!(truth.load(&model.key).await.unwrap(), model.stored());

    // The next turn's claim is not the one that a release names which is under way.
    model.tell_with(&truth, Vec::new(), claim(held.instance)).await;
    unanswered(store.release(&model.key, &held).await);
    store.await_late_writes().await;
    assert_eq!(truth.load(&model.key).await.unwrap(), model.stored());
}

#[tokio::test(start_paused = true)]
async fn a_late_beat_arrives_and_may_meet_its_eviction() {
    let (store, truth) = late_store(Late::Writes);
    let me = Member::joining(instance(), None);
    unanswered(store.beat(&me).await);
    assert_eq!(truth.member(&me.id).await.unwrap(), None);
    store.await_late_writes().await;
    assert_eq!(truth.member(&me.id).await.unwrap(), Some(me.clone()));

    let next = Member { beat: 1, ..me.clone() };
    unanswered(store.beat(&next).await);
    let _ = truth.evict(&me.id, 0).await.unwrap();
    store.await_late_writes().await;
    assert_eq!(truth.member(&me.id).await.unwrap().map(|member| member.beat), Some(0));
    assert_eq!(truth.beat(&next).await.unwrap(), Beat::Evicted);
}

#[tokio::test(start_paused = true)]
async fn every_write_can_be_late() {
    let (store, truth) = late_store(Late::Writes);
    let model = TaskModel::new("t").begin(&truth).await;
    let (key, me) = (&model.key, instance());
    let given_up = GivenUpDelivery {
        task: key.clone(),
        config_id: "w".into(),
        version: Version::new(1),
        host: "x".into(),
        reason: "gone".into(),
        at: at(1),
    };
    unanswered(store.watch(key, &me).await);
    unanswered(store.save_config(key, &webhook(key)).await);
    unanswered(store.give_up(&given_up).await);
    unanswered(store.keys("bus", [1; 32]).await);
    assert!(truth.watchers(key).await.unwrap().is_empty());
    assert!(truth.list_configs(key).await.unwrap().is_empty());
    assert!(truth.given_up(None, 9).await.unwrap().is_empty());
    store.await_late_writes().await;
    assert!(truth.watchers(key).await.unwrap().contains(&me));
    assert_eq!(truth.list_configs(key).await.unwrap(), [webhook(key)]);
    assert_eq!(truth.given_up(None, 9).await.unwrap(), [given_up]);
    assert_eq!(truth.keys("bus", [2; 32]).await.unwrap(), Keys::first([1; 32]));

    let delivery = PushDelivery {
        id: DeliveryId::from_uuid(Uuid::nil()),
        config_id: "w".to_owned(),
        revision: webhook(key).revision,
    };
    unanswered(store.begin_delivery(key, &delivery).await);
    unanswered(store.acknowledge(key, &delivery, PushProgress::to(Version::new(7))).await);
    unanswered(store.unwatch(key, &me).await);
    unanswered(store.forget_given_up(key, "w").await);
    unanswered(store.renew_key("bus", 1, [3; 32]).await);
    store.await_late_writes().await;
    assert_eq!(truth.list_configs(key).await.unwrap()[0].progress.acknowledged, Version::new(7));
    assert!(truth.watchers(key).await.unwrap().is_empty());
    assert!(truth.given_up(None, 9).await.unwrap().is_empty());
    assert_eq!(truth.keys("bus", [4; 32]).await.unwrap().current.number, 2);

    let member = Member::joining(me, None);
    assert_eq!(truth.beat(&member).await.unwrap(), Beat::Alive);
    unanswered(store.remove_config(key, "w").await);
    unanswered(store.evict(&me, 0).await);
    store.await_late_writes().await;
    assert!(truth.list_configs(key).await.unwrap().is_empty());
    assert!(truth.member(&me).await.unwrap().unwrap().state.is_final());

    unanswered(store.remove(&me).await);
    unanswered(store.delete(key).await);
    assert!(truth.member(&me).await.unwrap().is_some());
    store.await_late_writes().await;
    assert_eq!(truth.member(&me).await.unwrap(), None);
    assert_eq!(truth.load(key).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn only_commits_are_late_by_default_and_other_writes_are_lost() {
    let (store, truth) = late_store(Late::Commits);
    let model = TaskModel::new("t").begin(&truth).await;
    unanswered(store.watch(&model.key, &instance()).await);
    let draft = model.draft(Vec::new());
    unanswered(store.commit(&model.key, draft.commit()).await);
    store.await_late_writes().await;
    assert!(truth.watchers(&model.key).await.unwrap().is_empty());
    assert_eq!(truth.load(&model.key).await.unwrap().map(|stored| stored.version), Some(draft.next()));
    assert_eq!(Forecast::stormy().late, Late::Commits);
}
