//! Watchers: registered before the read, once each, and apart from the log.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a::{Part, TaskState};
use a2a_core::{ClaimChange, InstanceId, Store, StoredTask, Version};
use tokio::task::JoinSet;

use super::walk::assert_holds;
use crate::StoreFixture;
use crate::sample::{TaskModel, at, instance, message, status};

const ROUNDS: u64 = 60;
const CROWD: u32 = 50;

/// When a watch races a commit, either the task that it returns has the commit, or whoever made the commit
/// sees the watcher afterwards. Reading first and registering then would lose the commit for good.
pub async fn watch_registers_before_it_reads(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut model = TaskModel::new("t").begin(&*store).await;
    for round in 0..ROUNDS {
        let watcher = instance();
        let watching = watch(Arc::clone(&other), model.clone(), watcher, round / 4 % 3);
        let writing = write_and_look(Arc::clone(&store), model.clone(), round);
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
        model = after;
        other.unwatch(&model.key, &watcher).await.unwrap();
    }
}

async fn watch(store: Arc<dyn Store>, model: TaskModel, watcher: InstanceId, pauses: u64) -> StoredTask {
    for _ in 0..pauses {
        tokio::task::yield_now().await;
    }
    store.watch(&model.key, &watcher).await.unwrap().expect("the task")
}

async fn write_and_look(
    store: Arc<dyn Store>,
    mut model: TaskModel,
    round: u64,
) -> (TaskModel, BTreeSet<InstanceId>) {
    let working = status(&model.task, TaskState::Working, at(round as i64));
    model.tell(&*store, vec![working]).await;
    let seen = store.watchers(&model.key).await.unwrap();
    (model, seen)
}

/// Who watches is known on every handle as soon as it was answered, and so is who does so no more. A new executor
/// that looks after its claim misses nobody.
pub async fn watchers_are_told_at_once(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let (mut model, neighbour) =
        (TaskModel::new("t").begin(&*store).await, TaskModel::new("t#").begin(&*store).await);
    let mut crowd = Vec::new();
    for n in 0..CROWD {
        let watcher = instance();
        store.watch(&model.key, &watcher).await.unwrap().expect("the task");
        crowd.push(watcher);
        model.watchers.insert(watcher);
        if n % 16 == 0 {
            let change = ClaimChange::Make { instance: watcher, attempt: n + 1 };
            model.tell_with(&*other, Vec::new(), change).await;
        }
        assert_eq!(other.watchers(&model.key).await.unwrap(), model.watchers, "after {n} others");
    }
    for watcher in crowd.iter().step_by(3) {
        other.unwatch(&model.key, watcher).await.unwrap();
        model.watchers.remove(watcher);
        assert_eq!(store.watchers(&model.key).await.unwrap(), model.watchers, "after one left");
    }
    assert_holds(&*store, &neighbour).await;
    assert_holds(&*store, &TaskModel::new("absent")).await;
    assert!(store.delete(&model.key).await.unwrap());
    assert_holds(&*other, &TaskModel::new("t")).await;
}

/// Watching twice registers once, unwatching twice removes once, both leave the version alone and all other
/// watchers in place, also when everything happens at once.
pub async fn watch_and_unwatch_are_idempotent(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut model = TaskModel::new("t").by("ann").begin(&*store).await;
    let (mine, theirs) = (instance(), instance());
    for watcher in [mine, mine, theirs, mine] {
        model.watchers.insert(watcher);
        let watched = store.watch(&model.key, &watcher).await.unwrap();
        assert_eq!(watched, model.stored_as(watched.as_ref()), "what watch returns");
        assert_holds(&*other, &model).await;
    }
    other.unwatch(&model.key, &instance()).await.unwrap();
    assert_holds(&*store, &model).await;
    for _ in 0..2 {
        other.unwatch(&model.key, &mine).await.unwrap();
        model.watchers.remove(&mine);
        assert_holds(&*store, &model).await;
    }

    let mut crowd = JoinSet::new();
    for n in 0..16 {
        let (store, key) =
            (if n % 2 == 0 { Arc::clone(&store) } else { Arc::clone(&other) }, model.key.clone());
        let watcher = instance();
        if n < 12 {
            model.watchers.insert(watcher);
        }
        crowd.spawn(async move {
            store.watch(&key, &watcher).await.unwrap().expect("the task");
            if n >= 12 {
                store.unwatch(&key, &watcher).await.unwrap();
            }
        });
    }
    for n in 0..10 {
        let said = message(&model.task, &n.to_string(), vec![Part::text("x")]);
        model.tell(&*store, vec![said, status(&model.task, TaskState::Working, at(n))]).await;
    }
    crowd.join_all().await;
    assert_holds(&*store, &model).await;
    assert_holds(&*other, &model).await;
    assert_eq!(model.version, Version::new(11));
}

/// Watching what does not exist returns nothing and leaves nothing behind, not even for later.
pub async fn watching_an_absent_task_registers_nothing(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let model = TaskModel::new("t");
    let watcher = instance();
    for _ in 0..2 {
        assert_eq!(store.watch(&model.key, &watcher).await.unwrap(), None);
        assert_holds(&*other, &model).await;
    }
    other.unwatch(&model.key, &watcher).await.unwrap();
    assert_holds(&*store, &model).await;
    assert_eq!(other.watch(&model.key, &instance()).await.unwrap(), None);
    let model = model.begin(&*store).await;
    assert_holds(&*other, &model).await;
}
