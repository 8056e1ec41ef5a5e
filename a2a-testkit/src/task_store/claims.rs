//! Who may run a task: named by the commit that claims it, kept, replaced and ended by later ones.

use a2a::{Part, StreamResponse, TaskState};
use a2a_core::{Claim, ClaimChange, Version};

use super::walk::{assert_holds, assert_log};
use crate::StoreFixture;
use crate::sample::{TaskModel, at, chunk, claim, instance, message, status};

/// A claim is in the head with its instance, its attempt and the id of the commit that made it, be that the first
/// commit or any later one, at once and on whichever handle.
pub async fn a_claim_is_named_by_its_commit(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let first = instance();
    let mut model = TaskModel::new("t");
    let whole = StreamResponse::Task(model.task.clone());
    model.tell_with(&*store, vec![whole], claim(first)).await;
    assert_names_its_commit(&model, first, 1);
    assert_holds(&*other, &model).await;

    let working = status(&model.task, TaskState::Working, at(1));
    for (instance, attempt, events) in
        [(instance(), 2, Vec::new()), (first, u32::MAX, vec![working]), (first, u32::MAX, Vec::new())]
    {
        model.tell_with(&*other, events, ClaimChange::Make { instance, attempt }).await;
        assert_names_its_commit(&model, instance, attempt);
        assert_holds(&*store, &model).await;
    }
}

fn assert_names_its_commit(model: &TaskModel, instance: a2a_core::InstanceId, attempt: u32) {
    let by = model.log.last().expect("a commit").id;
    assert_eq!(model.claim, Some(Claim { instance, attempt, by }));
}

/// A commit that says nothing about the claim leaves it, whatever else it says, and however many come.
pub async fn keep_leaves_the_claim(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut model = TaskModel::new("t").begin(&*store).await;
    for claims in [false, true] {
        if claims {
            let change = ClaimChange::Make { instance: instance(), attempt: 3 };
            model.tell_with(&*store, Vec::new(), change).await;
        }
        let events = [
            vec![],
            vec![chunk(&model.task, "a", vec![Part::text("x")], true)],
            vec![message(&model.task, "m", vec![Part::text("x")])],
            vec![status(&model.task, TaskState::Working, at(1))],
            vec![status(&model.task, TaskState::InputRequired, at(2))],
        ];
        for events in events {
            model.tell(&*store, events).await;
            assert_holds(&*other, &model).await;
        }
    }
    for n in 0..80 {
        let said = message(&model.task, &n.to_string(), vec![Part::text("x".repeat(3_000))]);
        model.tell(&*store, vec![said]).await;
    }
    assert_holds(&*other, &model).await;
    model.tell(&*store, vec![status(&model.task, TaskState::Failed, at(3))]).await;
    assert_holds(&*other, &model).await;
}

/// A claim stands in the place of the one before, of another instance or of the same: that is gone for good.
pub async fn a_later_claim_takes_the_place_of_an_earlier(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let (mine, theirs) = (instance(), instance());
    let mut model = TaskModel::new("t").begin(&*store).await;
    let mut earlier: Vec<Claim> = Vec::new();
    for (n, instance) in [mine, theirs, theirs, mine, mine].into_iter().enumerate() {
        let handle = if n % 2 == 0 { &store } else { &other };
        let change = ClaimChange::Make { instance, attempt: n as u32 / 2 + 1 };
        model.tell_with(&**handle, Vec::new(), change).await;
        assert_holds(&*store, &model).await;
        assert_holds(&*other, &model).await;
        for gone in &earlier {
            store.release(&model.key, gone).await.unwrap();
        }
        assert_holds(&*other, &model).await;
        earlier.extend(model.claim);
    }
    // One that takes the place of a claim that a commit ended, which may stand there still.
    model.tell_with(&*store, Vec::new(), ClaimChange::End).await;
    model.tell_with(&*other, Vec::new(), claim(theirs)).await;
    assert_holds(&*store, &model).await;
}

/// A commit that ends the claim leaves none, or the one that ended where the store has not written the head since;
/// never another. Also where there was none.
pub async fn a_commit_may_end_the_claim(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut model = TaskModel::new("t").begin(&*store).await;
    model.tell_with(&*store, Vec::new(), ClaimChange::End).await;
    assert_holds(&*other, &model).await;

    for state in [TaskState::InputRequired, TaskState::Completed] {
        // The second one takes the place of the first, which must not come back.
        for _ in 0..2 {
            model.tell_with(&*store, Vec::new(), claim(instance())).await;
            assert_holds(&*other, &model).await;
        }
        let end = status(&model.task, state, at(1));
        model.tell_with(&*store, vec![end], ClaimChange::End).await;
        assert_holds(&*other, &model).await;
        model.tell(&*other, Vec::new()).await;
        assert_holds(&*store, &model).await;
    }
    model.tell_with(&*store, Vec::new(), claim(instance())).await;
    model.tell_with(&*other, Vec::new(), ClaimChange::End).await;
    assert_holds(&*store, &model).await;
}

/// A task that ended takes commits without events, as often as somebody takes over what is left to do for it: each
/// makes a version and changes the claim only. Whoever expects the version of the end comes too late.
pub async fn a_task_that_ended_may_change_hands(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut model = TaskModel::new("t").by("ann").begin(&*store).await;
    let end = status(&model.task, TaskState::Completed, at(1));
    model.tell_with(&*store, vec![end], claim(instance())).await;
    let late = model.draft(Vec::new());
    for attempt in 1..4 {
        let change = ClaimChange::Make { instance: instance(), attempt };
        model.tell_with(&*other, Vec::new(), change).await;
        assert_holds(&*store, &model).await;
    }
    let outcome = late.send(&*store, &model.key).await;
    assert_eq!(outcome, a2a_core::Outcome::Conflict { actual: model.version }, "of a late claim");
    model.tell_with(&*store, Vec::new(), ClaimChange::End).await;
    assert_holds(&*other, &model).await;
    assert_log(&*other, &model, Version::ABSENT).await;
}
