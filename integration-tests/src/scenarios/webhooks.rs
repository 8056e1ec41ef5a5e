//! Push notifications: configured on one instance, delivered by another.

use std::sync::Arc;
use std::time::Duration;

use a2a::{DeleteTaskPushNotificationConfigRequest, TaskState};

use super::stage::Stage;
use crate::client::{outline, soon};
use crate::hook::Hook;
use a2a_testworld::Backends;
use a2a_testworld::PATIENCE;

pub async fn a_webhook_set_elsewhere_hears_of_a_running_task(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    for executor in 0..3 {
        let latch = format!("begin{executor}");
        let (task, origin) = stage.open(executor, &format!("work; latch {latch}; say a; say b; done")).await;
        let hook = Hook::new().await;
        let elsewhere = &stage.at(executor + 1).sdk;
        let created = soon(elsewhere.create_push_config(&hook.config(&task.id))).await.unwrap();
        assert_eq!(created.url, hook.config("").url);
        stage.fleet.latches().open(&latch);
        stage.agree(&task.id, vec![origin]).await;
        let heard = outline(&hook.hears_an_end().await);
        assert_eq!(heard.last().unwrap(), "Completed");
        // Together or one after the other, and each once.
        let all = heard.concat();
        assert_eq!((all.matches(r#""a""#).count(), all.matches(r#""b""#).count()), (1, 1), "{heard:?}");
    }
    // What webhooks lack would be left to others.
    stage.leave_within(PATIENCE).await;
}

pub async fn a_webhook_removed_elsewhere_hears_nothing_of_the_next_turn(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    let parked = stage.at(0).send("ask").await;
    let (removed, stays) = (Hook::new().await, Hook::new().await);
    let create = async |instance: usize, hook: &Hook| {
        soon(stage.at(instance).sdk.create_push_config(&hook.config(&parked.id))).await.unwrap()
    };
    let config = create(1, &removed).await;
    create(2, &stays).await;
    let delete = DeleteTaskPushNotificationConfigRequest {
        task_id: parked.id.clone(),
        id: config.id.unwrap(),
        tenant: None,
    };
    soon(stage.at(0).sdk.delete_push_config(&delete)).await.unwrap();
    let done = stage.at(1).reply(&parked, "say a; done").await.unwrap();
    assert_eq!(done.status.state, TaskState::Completed);
    // A call of whoever told the question may be under way yet, and come behind the end.
    let is_told = || outline(&stays.heard()).iter().any(|heard| heard.contains("Completed"));
    let told = async {
        while !is_told() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    assert!(told.is_ok(), "{:?}", outline(&stays.heard()));
    // It may have been told of the question, and of no more than that.
    let heard = outline(&removed.heard()).concat();
    assert!(!heard.contains("Completed") && !heard.contains(r#""a""#), "{heard}");
    // What webhooks lack would be left to others.
    stage.leave_within(PATIENCE).await;
}
