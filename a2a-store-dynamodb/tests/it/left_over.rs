//! What is left of tasks once all their times are over: nothing. Seen by who knows nothing of the layout.

use std::sync::Arc;
use std::time::Duration;

use a2a::{Part, StreamResponse, TaskState};
use a2a_core::{
    Beat, ClaimChange, Deployment, Env, GivenUpDelivery, Member, Membership, PushConfigs, TaskKey, TaskStore,
    Tenant, Version,
};
use a2a_store_dynamodb::{DynamoDbConfig, DynamoDbStore, SnapshotPolicy};
use a2a_testkit::sample::{TaskModel, at, chunk, claim, instance, noise, status};

use crate::place::clock::Clock;
use crate::place::stream::Stream;
use crate::place::{Place, raw};
use crate::retention::subscription;

const DAY: u64 = 24 * 3600;

/// Keeps ended tasks for two days, parked ones for three, and commits for thirty; sums up early.
fn config(clock: &Arc<Clock>) -> DynamoDbConfig {
    DynamoDbConfig::default()
        .task_retention(Some(Duration::from_secs(2 * DAY)))
        .parked_retention(Some(Duration::from_secs(3 * DAY)))
        .snapshots(SnapshotPolicy::default().min_log_units(4))
        .env(Arc::clone(clock) as Arc<dyn Env>)
}

async fn tell(store: &DynamoDbStore, model: &mut TaskModel, states: &[TaskState]) {
    for (n, state) in states.iter().enumerate() {
        let event = status(&model.task, state.clone(), at(n as i64));
        model.tell(store, vec![event]).await;
    }
}

async fn given_up(store: &DynamoDbStore, task: &TaskKey, config_id: &str) {
    let delivery = GivenUpDelivery {
        task: task.clone(),
        config_id: config_id.into(),
        version: Version::new(1),
        host: "example.com".into(),
        reason: "410 Gone".into(),
        at: at(1),
    };
    store.give_up(&delivery).await.unwrap();
}

/// Runs a task of each kind to its end, and to where nobody writes to it any more.
async fn all_kinds(store: &DynamoDbStore, clock: &Clock) {
    use TaskState::{Canceled, Completed, Failed, InputRequired, Rejected, Working};
    // Of one commit.
    let mut at_once = TaskModel::new("at-once").by("ann");
    let end = status(&at_once.task, Completed, at(1));
    at_once.tell(store, vec![StreamResponse::Task(at_once.task.clone()), end]).await;
    // The usual one, watched by somebody who never says goodbye.
    let mut usual = TaskModel::new("usual").by("ann");
    let created = vec![StreamResponse::Task(usual.task.clone())];
    usual.tell_with(store, created, claim(instance())).await;
    store.watch(&usual.key, &instance()).await.unwrap().unwrap();
    tell(store, &mut usual, &[Working]).await;
    let burst = (0..20).map(|n| chunk(&usual.task, "answer", vec![Part::text("word ")], n > 0));
    let end = status(&usual.task, Completed, at(2));
    usual.tell_with(store, burst.chain([end]).collect(), ClaimChange::End).await;
    // One that talks, and one that is large.
    let mut talking = Stream::begin(store, "talking").await;
    talking.chunks(60, 120, 1).await;
    talking.status(Completed).await;
    let mut large = Stream::begin(store, "large").await;
    large.chunks(3, 700_000, 1).await;
    large.status(Failed).await;
    // Webhooks: one saved before the task is there, one during it, one after it, and what they did not take.
    let mut hooked = TaskModel::new("hooked");
    store.save_config(&hooked.key, &subscription("hooked")).await.unwrap();
    hooked = hooked.begin(store).await;
    store.save_config(&hooked.key, &subscription("hooked")).await.unwrap();
    tell(store, &mut hooked, &[Working, Canceled]).await;
    store.save_config(&hooked.key, &subscription("hooked")).await.unwrap();
    given_up(store, &hooked.key, "w").await;
    given_up(store, &hooked.key, "gone before").await;
    // Parked with a config and a watcher, after several turns with pauses between them.
    let mut parked = TaskModel::about(TaskKey::new(Tenant::new("acme"), "parked"), "d").begin(store).await;
    store.save_config(&parked.key, &subscription("parked")).await.unwrap();
    for _ in 0..3 {
        store.watch(&parked.key, &instance()).await.unwrap().unwrap();
        parked.tell_with(store, vec![status(&parked.task, Working, at(3))], claim(instance())).await;
        let long = chunk(&parked.task, "a", vec![Part::text(noise(1, 30_000))], false);
        parked.tell(store, vec![long]).await;
        parked.tell_with(store, vec![status(&parked.task, InputRequired, at(4))], ClaimChange::End).await;
        clock.forward(DAY as i64);
    }
    // Ended, and taken over for the sake of its webhooks.
    let mut taken = TaskModel::new("taken-over").begin(store).await;
    tell(store, &mut taken, &[Rejected]).await;
    taken.tell_with(store, vec![], claim(instance())).await;
    taken.tell_with(store, vec![], ClaimChange::End).await;
    // Deleted at work, and created anew; purged; watched without being there.
    let deleted = Stream::begin(store, "deleted").await.key;
    given_up(store, &deleted, "w").await;
    assert!(store.delete(&deleted).await.unwrap());
    let mut anew = TaskModel::new("deleted").by("bob").begin(store).await;
    tell(store, &mut anew, &[Completed]).await;
    let purged = Stream::begin(store, "purged").await.key;
    let _ = store.purge(&purged).await.unwrap();
    store.watch(&TaskKey::new(Tenant::default(), "absent"), &instance()).await.unwrap();
    store.save_config(&TaskKey::new(Tenant::default(), "absent"), &subscription("absent")).await.unwrap();
}

#[test]
fn after_all_times_a_scan_finds_nothing_that_was_not_there_before_the_first_task() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (clock, client) = (Arc::new(Clock::default()), place.client().await);
        let store = place.store(|_| config(&clock)).await;
        assert_eq!(store.beat(&Member::joining(instance(), None)).await.unwrap(), Beat::Alive);
        store.keys("bus", [7; 32]).await.unwrap();
        let before = raw::scan(&client, &place.table).await;
        all_kinds(&store, &clock).await;
        // What is written behind the requests has its time, too.
        let (mut last, mut now) = (Vec::new(), raw::scan(&client, &place.table).await);
        while last != now {
            tokio::time::sleep(Duration::from_secs(3)).await;
            last = std::mem::replace(&mut now, raw::scan(&client, &place.table).await);
        }
        let full = now.len();
        assert!(full > before.len() + 100, "{full} items of tasks");
        clock.forward(2 * DAY as i64 + 60);
        raw::sweep(&client, &place.table, clock.now().timestamp()).await;
        let parked = raw::scan(&client, &place.table).await.len();
        assert!((before.len() + 1..full).contains(&parked), "a parked task has longer: {parked} of {full}");
        // As long as commits are kept after a task that waits.
        clock.forward(3 * DAY as i64);
        raw::sweep(&client, &place.table, clock.now().timestamp()).await;
        assert_eq!(raw::scan(&client, &place.table).await, before);
    });
}
