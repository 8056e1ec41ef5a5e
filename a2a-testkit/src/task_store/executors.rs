//! Who runs a task: recorded, kept and cleared by commits, and cleared outside of them.

use a2a::{Part, TaskState};
use a2a_core::{Executor, ExecutorChange, Version};

use super::walk::{assert_holds, assert_log};
use crate::StoreFixture;
use crate::sample::{Draft, Story, at, chunk, instance, message, status};

/// A claim records the instance and the attempt, with the first commit or with any later one.
pub async fn a_claim_records_the_executor(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let first = Executor::first(instance());
    let mut story = Story::new("t");
    let whole = a2a::StreamResponse::Task(story.task.clone());
    story.tell_with(&*store, vec![whole], ExecutorChange::Claim(first)).await;
    assert_holds(&*other, &story).await;

    let second = Executor { instance: instance(), attempt: 2 };
    story.tell_with(&*other, Vec::new(), ExecutorChange::Claim(second)).await;
    assert_holds(&*store, &story).await;

    let third = Executor { instance: second.instance, attempt: u32::MAX };
    let working = status(&story.task, TaskState::Working, at(1));
    story.tell_with(&*other, vec![working], ExecutorChange::Claim(third)).await;
    assert_holds(&*store, &story).await;
}

/// A commit that releases leaves no executor, also where there was none.
pub async fn a_release_clears_it(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut story = Story::new("t").begin(&*store).await;
    story.tell_with(&*store, Vec::new(), ExecutorChange::Release).await;
    assert_holds(&*other, &story).await;

    for state in [TaskState::InputRequired, TaskState::Completed] {
        let claim = ExecutorChange::Claim(Executor::first(instance()));
        story.tell_with(&*store, Vec::new(), claim).await;
        assert_holds(&*other, &story).await;
        let end = status(&story.task, state, at(1));
        story.tell_with(&*store, vec![end], ExecutorChange::Release).await;
        assert_holds(&*other, &story).await;
    }
    story.tell_with(&*store, Vec::new(), ExecutorChange::Claim(Executor::first(instance()))).await;
    story.tell_with(&*other, Vec::new(), ExecutorChange::Release).await;
    assert_holds(&*store, &story).await;
}

/// A commit that says nothing about the executor leaves it, whatever else it says.
pub async fn keep_leaves_it(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut story = Story::new("t").begin(&*store).await;
    for claim in [false, true] {
        if claim {
            let executor = Executor { instance: instance(), attempt: 3 };
            story.tell_with(&*store, Vec::new(), ExecutorChange::Claim(executor)).await;
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
    story.tell(&*store, vec![status(&story.task, TaskState::Failed, at(3))]).await;
    assert_holds(&*other, &story).await;
}

/// A task that ended takes commits without events, as often as somebody takes over what is left to do for it: each
/// makes a version and changes the executor only. Whoever expects the version of the end comes too late.
pub async fn a_task_that_ended_may_change_hands(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut story = Story::new("t").by("ann").begin(&*store).await;
    let end = status(&story.task, TaskState::Completed, at(1));
    story.tell_with(&*store, vec![end], ExecutorChange::Claim(Executor::first(instance()))).await;
    let late = story.draft(Vec::new());
    for attempt in 1..4 {
        let claim = ExecutorChange::Claim(Executor { instance: instance(), attempt });
        story.tell_with(&*other, Vec::new(), claim).await;
        assert_holds(&*store, &story).await;
    }
    let outcome = late.send(&*store, &story.key).await;
    assert_eq!(outcome, a2a_core::Outcome::Conflict { actual: story.version }, "of a late claim");
    story.tell_with(&*store, Vec::new(), ExecutorChange::Release).await;
    assert_holds(&*other, &story).await;
    assert_log(&*other, &story, Version::ABSENT).await;
}

/// Outside of a commit, an executor is cleared by its name only. The version and the content stay.
pub async fn release_clears_only_the_named_executor(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let (mine, theirs) = (Executor { instance: instance(), attempt: 2 }, Executor::first(instance()));

    let absent = Story::new("absent");
    store.release(&absent.key, &mine.instance).await.unwrap();
    assert_holds(&*other, &absent).await;

    let mut story = Story::new("t").by("ann").begin(&*store).await;
    store.release(&story.key, &mine.instance).await.unwrap();
    assert_holds(&*other, &story).await;

    story.tell_with(&*store, Vec::new(), ExecutorChange::Claim(mine)).await;
    let watcher = instance();
    store.watch(&story.key, &watcher).await.unwrap();
    story.watchers.insert(watcher);
    other.release(&story.key, &theirs.instance).await.unwrap();
    assert_holds(&*store, &story).await;

    story.executor = None;
    for handle in [&other, &store] {
        handle.release(&story.key, &mine.instance).await.unwrap();
        assert_holds(&*store, &story).await;
    }
    let working = status(&story.task, TaskState::Working, at(1));
    story.tell(&*other, vec![working]).await;
    assert_holds(&*store, &story).await;

    story.tell_with(&*store, Vec::new(), ExecutorChange::Claim(theirs)).await;
    store.release(&story.key, &mine.instance).await.unwrap();
    assert_holds(&*other, &story).await;

    // A commit drafted before the release is applied after it: releasing makes no version.
    let draft = Draft { change: ExecutorChange::Keep, ..story.draft(Vec::new()) };
    other.release(&story.key, &theirs.instance).await.unwrap();
    story.executor = None;
    let outcome = draft.send(&*store, &story.key).await;
    assert_eq!(outcome, a2a_core::Outcome::Applied(draft.expected.next()));
    story.accept(&draft);
    assert_holds(&*other, &story).await;
}
