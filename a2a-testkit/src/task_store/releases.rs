//! Ending a claim outside of any commit: that one, and no other.

use a2a::TaskState;
use a2a_core::{Claim, CommitId, Outcome, TaskStore};

use super::walk::assert_holds;
use crate::StoreFixture;
use crate::expect::persist;
use crate::sample::{TaskModel, at, claim, commit_id, instance, status};

async fn release(store: &dyn TaskStore, model: &mut TaskModel, claim: &Claim) {
    persist(|| store.release(&model.key, claim)).await;
    model.released(claim);
}

/// A release ends the claim that it names in full, at once and for every handle; no other one of the same instance, or
/// of another life of the task. The version and the content stay, and so do watchers.
pub async fn release_ends_exactly_the_named_claim(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let (mine, theirs) = (instance(), instance());

    let mut absent = TaskModel::new("absent");
    let named = |instance, by| Claim { instance, attempt: 1, by };
    release(&*store, &mut absent, &named(mine, commit_id())).await;
    assert_holds(&*other, &absent).await;

    let mut model = TaskModel::new("t").by("ann").begin(&*store).await;
    release(&*store, &mut model, &named(mine, commit_id())).await;
    assert_holds(&*other, &model).await;

    model.tell_with(&*store, Vec::new(), claim(mine)).await;
    let watcher = instance();
    store.watch(&model.key, &watcher).await.unwrap();
    model.watchers.insert(watcher);
    let held = model.claim.expect("a claim");
    let similar = [
        Claim { by: commit_id(), ..held },
        Claim { by: CommitId::from_uuid(held.instance.uuid()), ..held },
        Claim { instance: theirs, ..held },
        Claim { attempt: held.attempt + 1, ..held },
    ];
    for wrong in similar {
        release(&*other, &mut model, &wrong).await;
        assert_holds(&*store, &model).await;
    }
    for handle in [&other, &store] {
        release(&**handle, &mut model, &held).await;
        assert_holds(&*store, &model).await;
        assert_holds(&*other, &model).await;
    }
    let working = status(&model.task, TaskState::Working, at(1));
    model.tell(&*other, vec![working]).await;
    assert_holds(&*store, &model).await;

    // The next turn of the same instance: what ends the claim of the turn before comes too late.
    model.tell_with(&*store, Vec::new(), claim(mine)).await;
    release(&*other, &mut model, &held).await;
    assert_holds(&*store, &model).await;

    a_commit_may_overtake_a_release(&*store, &*other, &mut model).await;
    lives_do_not_mix(&*store, &*other, model).await;
}

/// A commit drafted before the release is applied after it, for releasing makes no version; a claim that a commit
/// ended can be released, and is gone then.
async fn a_commit_may_overtake_a_release(
    store: &dyn TaskStore,
    other: &dyn TaskStore,
    model: &mut TaskModel,
) {
    let draft = model.draft(Vec::new());
    let held = model.claim.expect("a claim");
    release(other, model, &held).await;
    assert_eq!(draft.send(store, &model.key).await, Outcome::Applied(draft.next()));
    model.accept(&draft);
    assert_holds(other, model).await;

    model.tell_with(store, Vec::new(), claim(instance())).await;
    let held = model.claim.expect("a claim");
    model.tell_with(store, Vec::new(), a2a_core::ClaimChange::End).await;
    release(other, model, &held).await;
    assert_holds(store, model).await;
}

/// A claim of a task that was deleted since ends nothing in its next life, even if all but its commit is the same.
async fn lives_do_not_mix(store: &dyn TaskStore, other: &dyn TaskStore, mut model: TaskModel) {
    let executor = instance();
    model.tell_with(store, Vec::new(), claim(executor)).await;
    let earlier = model.claim.expect("a claim");
    assert!(store.delete(&model.key).await.unwrap());
    let mut anew = TaskModel::about(model.key, "c").begin(other).await;
    anew.tell_with(other, Vec::new(), claim(executor)).await;
    release(store, &mut anew, &earlier).await;
    assert_holds(other, &anew).await;
}
