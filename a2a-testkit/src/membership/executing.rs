//! The index that finds the tasks of a dead instance.

use std::collections::BTreeSet;

use a2a::TaskState;
use a2a_core::{Executor, ExecutorChange, InstanceId, Membership, Store, TaskKey, Tenant};
use futures::stream::{self, StreamExt};
use tokio::time::{Instant, sleep};

use crate::StoreFixture;
use crate::expect::{eventually, persist};
use crate::sample::{Story, at, hostile_keys, instance, status};

const MANY: usize = 250;

/// The tasks that name an instance as executor are found, in all tenants and however many, sooner or later;
/// those that never did are never among them.
pub async fn executing_lists_the_tasks_of_an_executor(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let (mine, theirs) = (instance(), instance());
    assert_eq!(other.executing(&mine).await.unwrap(), []);

    let mut stories = Vec::new();
    for (n, key) in hostile_keys().into_iter().take(24).enumerate() {
        let executor = if n % 2 == 0 { mine } else { theirs };
        stories.push(running(&*store, key, executor).await);
    }
    running(&*store, TaskKey::new(Tenant::default(), "parked"), theirs).await;
    store.release(&TaskKey::new(Tenant::default(), "parked"), &theirs).await.unwrap();

    let of = |executor: InstanceId, stories: &[Story]| {
        let runs = |s: &&Story| s.executor.is_some_and(|e| e.instance == executor);
        stories.iter().filter(runs).map(|s| s.key.clone()).collect::<BTreeSet<_>>()
    };
    let foreign = of(theirs, &stories);
    let ours = |expected: BTreeSet<TaskKey>| async {
        eventually(fixture.patience(), expected, async || {
            let found = set(&*other, &mine).await;
            assert!(found.is_disjoint(&foreign), "tasks of another executor: {found:?}");
            found
        })
        .await;
    };
    ours(of(mine, &stories)).await;
    eventually(fixture.patience(), foreign.clone(), async || set(&*other, &theirs).await).await;

    // One ends, one parks, one is let go, one is taken over, one is deleted; each leaves the index.
    for (n, state) in [(0, TaskState::Completed), (2, TaskState::InputRequired)] {
        let event = status(&stories[n].task, state, at(2));
        stories[n].tell_with(&*store, vec![event], ExecutorChange::Release).await;
    }
    store.release(&stories[4].key, &mine).await.unwrap();
    stories[4].executor = None;
    let takeover = ExecutorChange::Claim(Executor { instance: instance(), attempt: 2 });
    stories[6].tell_with(&*store, Vec::new(), takeover).await;
    assert!(store.delete(&stories.remove(8).key).await.unwrap());
    ours(of(mine, &stories)).await;

    // A status that keeps the executor keeps the entry.
    for story in stories.iter_mut().skip(10) {
        let event = status(&story.task, TaskState::Working, at(3));
        story.tell(&*store, vec![event]).await;
    }
    ours(of(mine, &stories)).await;
    all_of_many_are_found(fixture, &*store).await;
}

async fn running(store: &dyn Store, key: TaskKey, executor: InstanceId) -> Story {
    let mut story = Story::about(key, "c").begin(store).await;
    story.tell_with(store, Vec::new(), ExecutorChange::Claim(Executor::first(executor))).await;
    story
}

async fn set(members: &dyn Membership, executor: &InstanceId) -> BTreeSet<TaskKey> {
    persist(|| members.executing(executor)).await.into_iter().collect()
}

/// Asks again and again, as one who takes tasks over does, until all have been found.
async fn all_of_many_are_found(fixture: &dyn StoreFixture, store: &dyn Store) {
    let dead = instance();
    let keys = (0..MANY).map(|n| TaskKey::new(Tenant::new("many"), format!("t{n}")));
    let starting = stream::iter(keys).map(|key| async { running(store, key, dead).await.key });
    let mut missing: BTreeSet<_> = starting.buffer_unordered(8).collect().await;
    let deadline = Instant::now() + fixture.patience();
    while !missing.is_empty() {
        for key in set(store, &dead).await {
            store.release(&key, &dead).await.unwrap();
            missing.remove(&key);
        }
        assert!(Instant::now() < deadline || missing.is_empty(), "{} tasks were not found", missing.len());
        sleep(std::time::Duration::from_millis(5)).await;
    }
    eventually(fixture.patience(), BTreeSet::new(), async || set(store, &dead).await).await;
}
