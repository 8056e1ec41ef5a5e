//! Watchers: registered before the read, once each, and apart from the log.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a::{Part, TaskState};
use a2a_core::{ClaimChange, InstanceId, Store, StoredTask, Version};
use tokio::task::JoinSet;

use super::walk::assert_holds;
use crate::StoreFixture;
use crate::sample::{Story, at, instance, message, status};

const ROUNDS: u64 = 60;
const CROWD: u32 = 50;

/// When a watch races a commit, either the task that it returns has the commit, or whoever made the commit
/// sees the watcher afterwards. Reading first and registering then would lose the commit for good.
pub async fn watch_registers_before_it_reads(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut story = Story::new("t").begin(&*store).await;
    for round in 0..ROUNDS {
        let watcher = instance();
        let watching = watch(Arc::clone(&other), story.clone(), watcher, round / 4 % 3);
        let writing = write_and_look(Arc::clone(&store), story.clone(), round);
        let (watched, (after, seen)) = if round % 2 == 0 {
            tokio::join!(watching, writing)
        } else {
            let mut side = JoinSet::new();
            side.spawn(watching);
            let written = writing.await;
            (side.join_all().await.remove(0), written)
        };
        assert!(
            watched.version >= after.version || seen.contains(&watcher),
            "watch returned version {} and was not registered yet when version {} was there",
            watched.version,
            after.version,
        );
        story = after;
        other.unwatch(&story.key, &watcher).await.unwrap();
    }
}

async fn watch(store: Arc<dyn Store>, story: Story, watcher: InstanceId, pauses: u64) -> StoredTask {
    for _ in 0..pauses {
        tokio::task::yield_now().await;
    }
    store.watch(&story.key, &watcher).await.unwrap().expect("the task")
}

async fn write_and_look(
    store: Arc<dyn Store>,
    mut story: Story,
    round: u64,
) -> (Story, BTreeSet<InstanceId>) {
    let working = status(&story.task, TaskState::Working, at(round as i64));
    story.tell(&*store, vec![working]).await;
    let seen = store.watchers(&story.key).await.unwrap();
    (story, seen)
}

/// Who watches is known on every handle as soon as it was answered, and so is who does so no more. A new executor
/// that looks after its claim misses nobody.
pub async fn watchers_are_told_at_once(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let (mut story, neighbour) =
        (Story::new("t").begin(&*store).await, Story::new("t#").begin(&*store).await);
    let mut crowd = Vec::new();
    for n in 0..CROWD {
        let watcher = instance();
        store.watch(&story.key, &watcher).await.unwrap().expect("the task");
        crowd.push(watcher);
        story.watchers.insert(watcher);
        if n % 16 == 0 {
            let change = ClaimChange::Make { instance: watcher, attempt: n + 1 };
            story.tell_with(&*other, Vec::new(), change).await;
        }
        assert_eq!(other.watchers(&story.key).await.unwrap(), story.watchers, "after {n} others");
    }
    for watcher in crowd.iter().step_by(3) {
        other.unwatch(&story.key, watcher).await.unwrap();
        story.watchers.remove(watcher);
        assert_eq!(store.watchers(&story.key).await.unwrap(), story.watchers, "after one left");
    }
    assert_holds(&*store, &neighbour).await;
    assert_holds(&*store, &Story::new("absent")).await;
    assert!(store.delete(&story.key).await.unwrap());
    assert_holds(&*other, &Story::new("t")).await;
}

/// Watching twice registers once, unwatching twice removes once, both leave the version alone and all other
/// watchers in place, also when everything happens at once.
pub async fn watch_and_unwatch_are_idempotent(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut story = Story::new("t").by("ann").begin(&*store).await;
    let (mine, theirs) = (instance(), instance());
    for watcher in [mine, mine, theirs, mine] {
        story.watchers.insert(watcher);
        let watched = store.watch(&story.key, &watcher).await.unwrap();
        assert_eq!(watched, story.stored_as(watched.as_ref()), "what watch returns");
        assert_holds(&*other, &story).await;
    }
    other.unwatch(&story.key, &instance()).await.unwrap();
    assert_holds(&*store, &story).await;
    for _ in 0..2 {
        other.unwatch(&story.key, &mine).await.unwrap();
        story.watchers.remove(&mine);
        assert_holds(&*store, &story).await;
    }

    let mut crowd = JoinSet::new();
    for n in 0..16 {
        let (store, key) =
            (if n % 2 == 0 { Arc::clone(&store) } else { Arc::clone(&other) }, story.key.clone());
        let watcher = instance();
        if n < 12 {
            story.watchers.insert(watcher);
        }
        crowd.spawn(async move {
            store.watch(&key, &watcher).await.unwrap().expect("the task");
            if n >= 12 {
                store.unwatch(&key, &watcher).await.unwrap();
            }
        });
    }
    for n in 0..10 {
        let said = message(&story.task, &n.to_string(), vec![Part::text("x")]);
        story.tell(&*store, vec![said, status(&story.task, TaskState::Working, at(n))]).await;
    }
    crowd.join_all().await;
    assert_holds(&*store, &story).await;
    assert_holds(&*other, &story).await;
    assert_eq!(story.version, Version::new(11));
}

/// Watching what does not exist returns nothing and leaves nothing behind, not even for later.
pub async fn watching_an_absent_task_registers_nothing(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let story = Story::new("t");
    let watcher = instance();
    for _ in 0..2 {
        assert_eq!(store.watch(&story.key, &watcher).await.unwrap(), None);
        assert_holds(&*other, &story).await;
    }
    other.unwatch(&story.key, &watcher).await.unwrap();
    assert_holds(&*store, &story).await;
    assert_eq!(other.watch(&story.key, &instance()).await.unwrap(), None);
    let story = story.begin(&*store).await;
    assert_holds(&*other, &story).await;
}
