//! The fence: an empty commit at the end of a turn's log, for whoever has to stop a writer.

use std::sync::Arc;

use a2a::{Part, StreamResponse, TaskState};
use a2a_core::{CommitRecord, Outcome, TaskStore, Tip, Version};

use super::walk::{assert_holds, assert_log};
use crate::StoreFixture;
use crate::expect::persist;
use crate::sample::{Draft, TaskModel, at, chunk, claim, commit_id, instance, message, status};

/// A fence is appended wherever the log ends, be that the first commit, one that somebody else has just made, a long log or
/// a large one. It makes a version, and whoever was about to append conflicts; content, generation and claim stay, and
/// the turn goes on from there.
pub async fn a_fence_is_an_empty_commit_at_the_end_of_the_log(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut model = TaskModel::new("t");
    let whole = StreamResponse::Task(model.task.clone());
    model.tell_with(&*store, vec![whole], claim(instance())).await;
    fence_against(&*other, &*store, &mut model).await;
    for n in 0..3 {
        model.tell(&*store, vec![message(&model.task, &n.to_string(), vec![Part::text("x")])]).await;
        fence_against(&*other, &*store, &mut model).await;
    }
    model.tell(&*store, vec![status(&model.task, TaskState::Working, at(1))]).await;
    fence_against(&*other, &*store, &mut model).await;
    for n in 0..60 {
        let text = vec![Part::text("x".repeat(5_000))];
        model.tell(&*store, vec![chunk(&model.task, &n.to_string(), text, true)]).await;
    }
    fence_against(&*other, &*store, &mut model).await;
    fence_against(&*store, &*other, &mut model).await;
    model.tell_with(&*store, vec![], claim(instance())).await;
    fence_against(&*other, &*store, &mut model).await;
    model.tell(&*store, vec![status(&model.task, TaskState::Completed, at(2))]).await;
    assert_holds(&*other, &model).await;
    assert_log(&*other, &model, Version::ABSENT).await;
}

/// One handle fences what the other is about to go on with.
async fn fence_against(store: &dyn TaskStore, writer: &dyn TaskStore, model: &mut TaskModel) {
    let late = model.draft(vec![message(&model.task, "late", vec![Part::text("x")])]);
    let id = commit_id();
    let tip = persist(|| store.fence(&model.key, id)).await;
    accept(model, tip, id);
    assert_eq!(late.send(writer, &model.key).await, Outcome::Conflict { actual: model.version });
    assert_holds(writer, model).await;
    assert_log(writer, model, Version::new(model.version.get() - 1)).await;
}

/// Takes note of a fence that was applied.
fn accept(model: &mut TaskModel, tip: Option<Tip>, id: a2a_core::CommitId) {
    let draft = Draft { id, ..model.draft(vec![]) };
    assert_eq!(tip, Some(draft.commit().tip()), "the tip that a fence of {:?} made", model.key);
    model.accept(&draft);
}

/// A fence of the same name finds itself, on whichever handle, for as long as nothing followed it; another one does not.
pub async fn a_repeated_fence_with_the_same_id_is_applied_once(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut model = TaskModel::new("t").begin(&*store).await;
    for _ in 0..2 {
        let id = commit_id();
        let tip = persist(|| store.fence(&model.key, id)).await;
        accept(&mut model, tip, id);
        for handle in [&other, &store] {
            assert_eq!(persist(|| handle.fence(&model.key, id)).await, tip, "repeated");
        }
        assert_holds(&*other, &model).await;
        assert_log(&*other, &model, Version::ABSENT).await;
    }
}

/// Nothing is written to a task that is absent, deleted, waits for its caller or has ended, whoever holds it.
pub async fn only_a_turn_under_way_is_fenced(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let absent = TaskModel::new("absent");
    assert_eq!(fenced(&*store, &absent).await, None, "of what is not there");
    assert_eq!(persist(|| store.load(&absent.key)).await, None);

    let ends = [
        TaskState::InputRequired,
        TaskState::AuthRequired,
        TaskState::Completed,
        TaskState::Failed,
        TaskState::Canceled,
        TaskState::Rejected,
    ];
    for (n, end) in ends.into_iter().enumerate() {
        let mut model = TaskModel::new(&n.to_string()).begin(&*store).await;
        let large = message(&model.task, "m", vec![Part::text("x".repeat(3_000))]);
        model.tell_with(&*store, vec![large], claim(instance())).await;
        model.tell(&*store, vec![status(&model.task, end.clone(), at(1))]).await;
        for claims in [false, true] {
            if claims {
                model.tell_with(&*store, vec![], claim(instance())).await;
            }
            for handle in [&store, &other] {
                assert_eq!(fenced(&**handle, &model).await, None, "of a task that is {end:?}");
                assert_holds(&**handle, &model).await;
                assert_log(&**handle, &model, Version::ABSENT).await;
            }
        }
    }

    let gone = TaskModel::new("gone").begin(&*store).await;
    persist(|| store.delete(&gone.key)).await;
    assert_eq!(fenced(&*other, &gone).await, None, "of what was deleted");
    assert_eq!(persist(|| store.load(&gone.key)).await, None);
    let again = TaskModel::new("gone").begin(&*store).await;
    assert_eq!(again.log.first().map(|record: &Arc<CommitRecord>| record.version), Some(Version::new(1)));
    assert_holds(&*other, &again).await;
}

async fn fenced(store: &dyn TaskStore, model: &TaskModel) -> Option<Tip> {
    let id = commit_id();
    persist(|| store.fence(&model.key, id)).await
}
