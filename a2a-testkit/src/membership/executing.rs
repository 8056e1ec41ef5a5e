//! The index that finds the tasks of a dead instance.

use std::collections::BTreeSet;

use a2a::TaskState;
use a2a_core::{ClaimChange, InstanceId, Membership, Store, TaskKey, Tenant};

use crate::StoreFixture;
use crate::expect::{eventually, persist};
use crate::sample::{TaskModel, at, claim, hostile_keys, instance, status};

/// The tasks that name an instance as executor are found, in all tenants, sooner or later; those that never did are
/// never among them. What ended or was taken over may stay for a while: a claim that a commit ended, until the head
/// is next written.
pub async fn executing_lists_the_tasks_of_an_executor(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let (mine, theirs) = (instance(), instance());
    assert_eq!(all(&*other, &mine).await, BTreeSet::new());

    let mut models = Vec::new();
    for (n, key) in hostile_keys().into_iter().take(24).enumerate() {
        let executor = if n % 2 == 0 { mine } else { theirs };
        models.push(running(&*store, key, executor).await);
    }
    let parked = running(&*store, TaskKey::new(Tenant::default(), "parked"), theirs).await;
    store.release(&parked.key, &parked.claim.expect("a claim")).await.unwrap();

    let of = |executor: InstanceId, models: &[TaskModel]| {
        let runs = |s: &&TaskModel| s.claim.is_some_and(|claim| claim.instance == executor);
        models.iter().filter(runs).map(|s| s.key.clone()).collect::<BTreeSet<_>>()
    };
    let foreign = of(theirs, &models);
    // Those that ended by a commit may be there or not, for however long.
    let ours = async |expected: BTreeSet<TaskKey>, ended: BTreeSet<TaskKey>| {
        eventually(fixture.patience(), expected, async || {
            let found = all(&*other, &mine).await;
            assert!(found.is_disjoint(&foreign), "tasks of another executor: {found:?}");
            found.difference(&ended).cloned().collect()
        })
        .await;
    };
    ours(of(mine, &models), BTreeSet::new()).await;
    eventually(fixture.patience(), foreign.clone(), async || all(&*other, &theirs).await).await;

    // One ends, one parks, one is let go, one is taken over, one is deleted; each leaves the index.
    let mut ended = BTreeSet::new();
    for (n, state) in [(0, TaskState::Completed), (2, TaskState::InputRequired)] {
        let event = status(&models[n].task, state, at(2));
        models[n].tell_with(&*store, vec![event], ClaimChange::End).await;
        ended.insert(models[n].key.clone());
    }
    let released = models[4].claim.expect("a claim");
    store.release(&models[4].key, &released).await.unwrap();
    models[4].released(&released);
    let takeover = ClaimChange::Make { instance: instance(), attempt: 2 };
    models[6].tell_with(&*store, Vec::new(), takeover).await;
    assert!(store.delete(&models.remove(8).key).await.unwrap());
    ours(of(mine, &models), ended.clone()).await;

    // A status that keeps the claim keeps the entry; a claim that takes the place of an ended one takes it away.
    for model in models.iter_mut().skip(10) {
        let event = status(&model.task, TaskState::Working, at(3));
        model.tell(&*store, vec![event]).await;
    }
    models[2].tell_with(&*store, Vec::new(), claim(instance())).await;
    ended.remove(&models[2].key);
    ours(of(mine, &models), ended).await;
}

/// Creates a task and has an instance claim it.
pub(super) async fn running(store: &dyn Store, key: TaskKey, executor: InstanceId) -> TaskModel {
    let mut model = TaskModel::about(key, "c").begin(store).await;
    model.tell_with(store, Vec::new(), claim(executor)).await;
    model
}

/// Reads all pages.
pub(super) async fn all(members: &dyn Membership, executor: &InstanceId) -> BTreeSet<TaskKey> {
    let (mut found, mut after) = (BTreeSet::new(), None);
    for _ in 0..2_000 {
        let page = persist(|| members.executing(executor, after.as_ref())).await;
        found.extend(page.tasks);
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
    panic!("the pages do not end");
}
