//! Reading one task: what it is, at once, and whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use a2a::{Part, StreamResponse, TaskState};
use a2a_core::{CallerContext, ClaimChange, Outcome, Principal, Version};
use tokio::task::JoinSet;

use super::walk::{assert_holds, assert_log};
use crate::StoreFixture;
use crate::expect::persist;
use crate::sample::{
    Draft, TaskModel, at, awkward_metadata, awkward_text, chunk, claim, instance, message,
    parts_of_every_kind, status, status_saying,
};

/// After each commit the task is the fold of all events so far, down to the last odd character.
pub async fn load_returns_what_the_commits_made(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut model = TaskModel::about(a2a_core::TaskKey::new(a2a_core::Tenant::new("tenant"), "t"), "c");
    assert_holds(&*store, &model).await;

    model.task.metadata = Some(awkward_metadata());
    model.task.artifacts = Some(Vec::new());
    if let StreamResponse::Message(first) = message(&model.task, "first", parts_of_every_kind()) {
        model.task.history = Some(vec![first]);
    }
    let mut model = model.by("ann").begin(&*store).await;
    assert_holds(&*other, &model).await;

    for events in a_life(&model) {
        model.tell(&*store, events).await;
        assert_holds(&*store, &model).await;
        assert_holds(&*other, &model).await;
    }
    assert_log(&*other, &model, Version::ABSENT).await;
    assert_log(&*store, &model, Version::new(2)).await;
}

/// Whoever is not the one who created a task finds none; and nobody is not everybody.
pub async fn load_for_returns_only_what_the_principal_created(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let callers = [None, Some(Principal::new("ann")), Some(Principal::new("")), Some(Principal::new("anna"))];
    let mut models = Vec::new();
    for (n, caller) in callers.iter().enumerate() {
        let mut model = TaskModel::new(&n.to_string());
        model.principal.clone_from(caller);
        models.push(model.begin(&*store).await);
    }
    for state in [TaskState::Working, TaskState::Completed] {
        for (model, owner) in models.iter_mut().zip(&callers) {
            model.tell(&*store, vec![status(&model.task, state.clone(), at(1))]).await;
            for caller in &callers {
                let loaded = persist(|| other.load_for(&model.key, caller.as_ref())).await;
                let expected = if caller == owner { model.stored_as(loaded.as_ref()) } else { None };
                assert_eq!(loaded, expected, "{:?} of {owner:?} for {caller:?}", model.key);
            }
        }
    }
    let absent = TaskModel::new("absent").key;
    for caller in &callers {
        assert_eq!(other.load_for(&absent, caller.as_ref()).await.unwrap(), None);
    }
}

fn a_life(model: &TaskModel) -> Vec<Vec<StreamResponse>> {
    let task = &model.task;
    let mut named = chunk(task, "named", vec![Part::text("")], false);
    let mut noted = status_saying(task, TaskState::Working, at(3), "s3", vec![Part::text(awkward_text())]);
    let mut cited = message(task, "cited", vec![Part::text("see there")]);
    if let (
        StreamResponse::ArtifactUpdate(artifact),
        StreamResponse::StatusUpdate(status),
        StreamResponse::Message(message),
    ) = (&mut named, &mut noted, &mut cited)
    {
        artifact.artifact.name = Some(awkward_text());
        artifact.artifact.description = Some(String::new());
        artifact.artifact.metadata = Some(awkward_metadata());
        artifact.artifact.extensions = Some(vec![String::new(), "https://example.com/x".into()]);
        artifact.last_chunk = Some(true);
        artifact.metadata = Some(awkward_metadata());
        status.metadata = Some(awkward_metadata());
        message.reference_task_ids = Some(vec!["other".into()]);
        message.metadata = Some(awkward_metadata());
        message.extensions = Some(Vec::new());
    }
    let mut whole = model.task.clone();
    whole.status.timestamp = Some(at(6));
    vec![
        vec![status_saying(task, TaskState::Working, at(1), "s1", parts_of_every_kind())],
        vec![
            chunk(task, "a", vec![Part::text("one")], false),
            chunk(task, "a", vec![Part::text("two")], true),
        ],
        Vec::new(),
        vec![chunk(task, "", parts_of_every_kind(), false), named],
        vec![noted, cited, chunk(task, "a", parts_of_every_kind(), true)],
        vec![chunk(task, "a", vec![Part::raw(vec![0, 255])], false)],
        (0..100).map(|n| chunk(task, "many", vec![Part::text(n.to_string())], n > 0)).collect(),
        vec![StreamResponse::Task(whole)],
        vec![status(task, TaskState::AuthRequired, at(7)), status(task, TaskState::Working, at(7))],
        vec![status_saying(task, TaskState::Completed, at(8), "end", vec![Part::text("done")])],
        vec![status(task, TaskState::Working, at(9)), message(task, "late", vec![Part::text("too late")])],
    ]
}

/// What one handle has been told is applied is there for all handles at once, and never half of it.
pub async fn load_sees_every_commit_that_was_answered(fixture: &dyn StoreFixture) {
    const COMMITS: u64 = 60;
    let store = fixture.handle().await;
    let mut model = TaskModel::new("t").begin(&*store).await;
    let answered = Arc::new(AtomicU64::new(1));
    let mut readers = JoinSet::new();
    for _ in 0..3 {
        let (reader, answered, key) = (fixture.handle().await, Arc::clone(&answered), model.key.clone());
        readers.spawn(async move {
            let mut seen = 0;
            while seen < COMMITS {
                let known = answered.load(Ordering::SeqCst);
                let stored = reader.load(&key).await.unwrap().expect("the task");
                seen = stored.version.get();
                assert!(seen >= known, "load returns version {seen} after {known} was answered");
                let messages = stored.task.history.map_or(0, |history| history.len()) as u64;
                assert_eq!(messages + 1, seen, "the content and the version of one load");
                tokio::task::yield_now().await;
            }
        });
    }
    let other = fixture.handle().await;
    while model.version < Version::new(COMMITS) {
        let id = model.version.to_string();
        let before = model.version;
        model.tell(&*store, vec![message(&model.task, &id, vec![Part::text("x")])]).await;
        answered.store(model.version.get(), Ordering::SeqCst);
        assert_holds(&*other, &model).await;
        assert_log(&*other, &model, before).await;
    }
    readers.join_all().await;
}

/// The head is the load without the content, at every step of a task's life.
pub async fn head_agrees_with_load(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let watcher = instance();
    let mut model = TaskModel::new("t").by("ann");
    assert_holds(&*other, &model).await;
    model = model.begin(&*store).await;
    assert_holds(&*other, &model).await;

    let working = status(&model.task, TaskState::Working, at(1));
    let caller =
        Some(CallerContext { claims: awkward_metadata().into_iter().collect(), ..Default::default() });
    let draft = Draft { change: claim(instance()), caller, ..model.draft(vec![working]) };
    assert_eq!(draft.send(&*store, &model.key).await, Outcome::Applied(draft.next()));
    model.accept(&draft);
    assert_holds(&*other, &model).await;

    store.watch(&model.key, &watcher).await.unwrap();
    model.watchers.insert(watcher);
    assert_holds(&*other, &model).await;

    // An artifact and then a status in one commit, and the other way round: the last status counts.
    let piece = chunk(&model.task, "a", vec![Part::text("x")], false);
    let asking = status(&model.task, TaskState::InputRequired, at(2));
    model.tell(&*store, vec![piece.clone(), asking]).await;
    assert_holds(&*other, &model).await;
    let resumed = status(&model.task, TaskState::Working, at(3));
    model.tell(&*store, vec![resumed, piece]).await;
    assert_holds(&*other, &model).await;

    let done = status(&model.task, TaskState::Completed, at(4));
    let undone = status(&model.task, TaskState::Working, at(5));
    model.tell_with(&*store, vec![done, undone], ClaimChange::End).await;
    assert_eq!(model.task.status.state, TaskState::Completed);
    assert_holds(&*other, &model).await;

    store.unwatch(&model.key, &watcher).await.unwrap();
    model.watchers.clear();
    assert_holds(&*other, &model).await;
}
