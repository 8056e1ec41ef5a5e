//! Who may run a task: named by the commit that claims it, kept, replaced and ended by later ones.

use a2a::{Part, StreamResponse, TaskState};
use a2a_core::{Claim, ClaimChange, Version};

use super::walk::{assert_holds, assert_log};
use crate::StoreFixture;
use crate::sample::{Story, at, chunk, claim, instance, message, status};

/// A claim is in the head with its instance, its attempt and the id of the commit that made it, be that the first
/// commit or any later one, at once and on whichever handle.
pub async fn a_claim_is_named_by_its_commit(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let first = instance();
    let mut story = Story::new("t");
    let whole = StreamResponse::Task(story.task.clone());
    story.tell_with(&*store, vec![whole], claim(first)).await;
    assert_names_its_commit(&story, first, 1);
    assert_holds(&*other, &story).await;

    let working = status(&story.task, TaskState::Working, at(1));
    for (instance, attempt, events) in
        [(instance(), 2, Vec::new()), (first, u32::MAX, vec![working]), (first, u32::MAX, Vec::new())]
    {
        story.tell_with(&*other, events, ClaimChange::Make { instance, attempt }).await;
        assert_names_its_commit(&story, instance, attempt);
        assert_holds(&*store, &story).await;
    }
}

fn assert_names_its_commit(story: &Story, instance: a2a_core::InstanceId, attempt: u32) {
    let by = story.log.last().expect("a commit").id;
    assert_eq!(story.claim, Some(Claim { instance, attempt, by }));
}

/// A commit that says nothing about the claim leaves it, whatever else it says, and however many come.
pub async fn keep_leaves_the_claim(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut story = Story::new("t").begin(&*store).await;
    for claims in [false, true] {
        if claims {
            let change = ClaimChange::Make { instance: instance(), attempt: 3 };
            story.tell_with(&*store, Vec::new(), change).await;
        }
        let events = [
            vec![],
            vec![chunk(&story.task, "a", vec![Part::text("x")], true)],
            vec![message(&story.task, "m", vec![Part::text("x")])],
            vec![status(&story.task, TaskState::Working, at(1))],
            vec![status(&story.task, TaskState::InputRequired, at(2))],
        ];
        for events in events {
            story.tell(&*store, events).await;
            assert_holds(&*other, &story).await;
        }
    }
    for n in 0..80 {
        let said = message(&story.task, &n.to_string(), vec![Part::text("x".repeat(3_000))]);
        story.tell(&*store, vec![said]).await;
    }
    assert_holds(&*other, &story).await;
    story.tell(&*store, vec![status(&story.task, TaskState::Failed, at(3))]).await;
    assert_holds(&*other, &story).await;
}

/// A claim stands in the place of the one before, of another instance or of the same: that is gone for good.
pub async fn a_later_claim_takes_the_place_of_an_earlier(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let (mine, theirs) = (instance(), instance());
    let mut story = Story::new("t").begin(&*store).await;
    let mut earlier: Vec<Claim> = Vec::new();
    for (n, instance) in [mine, theirs, theirs, mine, mine].into_iter().enumerate() {
        let handle = if n % 2 == 0 { &store } else { &other };
        let change = ClaimChange::Make { instance, attempt: n as u32 / 2 + 1 };
        story.tell_with(&**handle, Vec::new(), change).await;
        assert_holds(&*store, &story).await;
        assert_holds(&*other, &story).await;
        for gone in &earlier {
            store.release(&story.key, gone).await.unwrap();
        }
        assert_holds(&*other, &story).await;
        earlier.extend(story.claim);
    }
    // One that takes the place of a claim that a commit ended, which may stand there still.
    story.tell_with(&*store, Vec::new(), ClaimChange::End).await;
    story.tell_with(&*other, Vec::new(), claim(theirs)).await;
    assert_holds(&*store, &story).await;
}

/// A commit that ends the claim leaves none, or the one that ended where the store has not written the head since;
/// never another. Also where there was none.
pub async fn a_commit_may_end_the_claim(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut story = Story::new("t").begin(&*store).await;
    story.tell_with(&*store, Vec::new(), ClaimChange::End).await;
    assert_holds(&*other, &story).await;

    for state in [TaskState::InputRequired, TaskState::Completed] {
        // The second one takes the place of the first, which must not come back.
        for _ in 0..2 {
            story.tell_with(&*store, Vec::new(), claim(instance())).await;
            assert_holds(&*other, &story).await;
        }
        let end = status(&story.task, state, at(1));
        story.tell_with(&*store, vec![end], ClaimChange::End).await;
        assert_holds(&*other, &story).await;
        story.tell(&*other, Vec::new()).await;
        assert_holds(&*store, &story).await;
    }
    story.tell_with(&*store, Vec::new(), claim(instance())).await;
    story.tell_with(&*other, Vec::new(), ClaimChange::End).await;
    assert_holds(&*store, &story).await;
}

/// A task that ended takes commits without events, as often as somebody takes over what is left to do for it: each
/// makes a version and changes the claim only. Whoever expects the version of the end comes too late.
pub async fn a_task_that_ended_may_change_hands(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut story = Story::new("t").by("ann").begin(&*store).await;
    let end = status(&story.task, TaskState::Completed, at(1));
    story.tell_with(&*store, vec![end], claim(instance())).await;
    let late = story.draft(Vec::new());
    for attempt in 1..4 {
        let change = ClaimChange::Make { instance: instance(), attempt };
        story.tell_with(&*other, Vec::new(), change).await;
        assert_holds(&*store, &story).await;
    }
    let outcome = late.send(&*store, &story.key).await;
    assert_eq!(outcome, a2a_core::Outcome::Conflict { actual: story.version }, "of a late claim");
    story.tell_with(&*store, Vec::new(), ClaimChange::End).await;
    assert_holds(&*other, &story).await;
    assert_log(&*other, &story, Version::ABSENT).await;
}
