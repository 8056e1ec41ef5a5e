//! One commit after another: applied, refused, repeated.

use a2a::{Part, StreamResponse, TaskState};
use a2a_core::{ClaimChange, Outcome, Principal, Store, Version};

use super::walk::{assert_holds, assert_log};
use crate::StoreFixture;
use crate::sample::{Draft, TaskModel, at, chunk, claim, commit_id, instance, message, noise, status};

/// More than a database's item may hold, however it is compressed.
const LARGE: usize = 450_000;

/// A commit that expects the current version makes exactly the next one, on whichever handle.
pub async fn a_commit_that_expects_the_current_version_is_applied(fixture: &dyn StoreFixture) {
    let handles = [fixture.handle().await, fixture.handle().await];
    let mut model = TaskModel::new("t").begin(&*handles[0]).await;
    for n in 1..10 {
        let said = message(&model.task, &n.to_string(), vec![Part::text("more")]);
        model.tell(&*handles[n % 2], vec![said]).await;
        assert_eq!(model.version, Version::new(n as u64 + 1));
    }
    model.tell(&*handles[0], Vec::new()).await;
    assert_holds(&*handles[1], &model).await;
}

/// A commit that expects any other version writes nothing and learns the actual one.
pub async fn a_commit_that_expects_another_version_conflicts(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let me = instance();

    let absent = TaskModel::new("absent");
    let early = absent.draft(vec![]).expecting(1);
    let outcome = early.send(&*store, &absent.key).await;
    assert_eq!(outcome, Outcome::Conflict { actual: Version::ABSENT }, "of a commit to an absent task");
    assert_holds(&*other, &absent).await;

    let mut model = TaskModel::new("t").by("ann").begin(&*store).await;
    for state in [TaskState::Working, TaskState::InputRequired] {
        let event = status(&model.task, state, at(1));
        model.tell_with(&*store, vec![event], claim(me)).await;
    }
    for expected in [0, 1, 2, 4, 5, 1_000_000] {
        let event = status(&model.task, TaskState::Failed, at(9));
        let wrong = Draft {
            change: claim(instance()),
            principal: Some(Principal::new("eve")),
            ..model.draft(vec![event]).expecting(expected)
        };
        let outcome = wrong.send(&*other, &model.key).await;
        assert_eq!(outcome, Outcome::Conflict { actual: model.version }, "of a commit expecting {expected}");
        assert_holds(&*store, &model).await;
        assert_holds(&*other, &model).await;
    }
    assert_log(&*other, &model, Version::ABSENT).await;
    model.tell(&*other, vec![]).await;
}

/// A commit sent again, on any handle and by any number of tasks, counts once and is answered as before.
pub async fn a_repeated_commit_with_the_same_id_is_applied_once(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let me = instance();
    let mut model = TaskModel::new("t");

    let whole = a2a::StreamResponse::Task(model.task.clone());
    let birth = model.draft(vec![whole]);
    for handle in [&store, &other, &store] {
        assert_eq!(birth.send(&**handle, &model.key).await, Outcome::Applied(Version::new(1)));
    }
    model.accept(&birth);

    let said = message(&model.task, "m", vec![Part::text("once")]);
    let draft = Draft { change: claim(me), ..model.draft(vec![said]) };
    let everywhere = (0..8).map(|n| draft.send(if n % 2 == 0 { &*store } else { &*other }, &model.key));
    for outcome in futures::future::join_all(everywhere).await {
        assert_eq!(outcome, Outcome::Applied(Version::new(2)), "of one of eight copies of a commit");
    }
    model.accept(&draft);
    assert_holds(&*other, &model).await;

    // What happened to the claim since then is not undone by its echo.
    let held = model.claim.expect("a claim");
    store.release(&model.key, &held).await.unwrap();
    model.released(&held);
    assert_eq!(draft.send(&*other, &model.key).await, Outcome::Applied(Version::new(2)));
    assert_holds(&*store, &model).await;

    let twin = Draft { id: commit_id(), ..draft.clone() };
    let outcome = twin.send(&*store, &model.key).await;
    assert_eq!(outcome, Outcome::Conflict { actual: model.version }, "of an equal commit under another id");

    model.tell(&*store, vec![message(&model.task, "n", vec![Part::text("later")])]).await;
    match draft.send(&*other, &model.key).await {
        Outcome::Applied(version) => assert_eq!(version, Version::new(2)),
        Outcome::Conflict { actual } => assert_eq!(actual, model.version),
    }
    assert_holds(&*other, &model).await;
    assert_log(&*store, &model, Version::ABSENT).await;

    for (model, events) in births() {
        a_birth_counts_once(&[&*store, &*other], model, events).await;
    }
    commits_of_every_kind_count_once(&[&*store, &*other]).await;
}

/// A task from its creation to what comes after its end: each commit is sent again at once, by many at once, and once more
/// when the next one is there.
async fn commits_of_every_kind_count_once(handles: &[&dyn Store; 2]) {
    let mut model = TaskModel::new("every kind");
    let mut before: Option<Draft> = None;
    for step in 0..10 {
        let task = &model.task;
        let said = |size| chunk(task, "artifact", vec![Part::text(noise(step, size))], step > 2);
        let (events, change) = match step {
            0 => (vec![StreamResponse::Task(task.clone())], claim(instance())),
            1 => (vec![status(task, TaskState::Working, at(1))], ClaimChange::Keep),
            2 => (vec![said(10)], ClaimChange::Keep),
            3 => (vec![said(LARGE)], ClaimChange::Keep),
            // Another one takes it over, asks, and goes on.
            4 => (Vec::new(), claim(instance())),
            5 => (vec![status(task, TaskState::InputRequired, at(2))], ClaimChange::End),
            6 => (vec![message(task, "m", vec![Part::text("so")])], claim(instance())),
            7 => (vec![said(10), status(task, TaskState::Completed, at(3))], ClaimChange::Keep),
            // And one that delivers what is left of it.
            8 => (Vec::new(), claim(instance())),
            _ => (Vec::new(), ClaimChange::End),
        };
        let draft = Draft { change, ..model.draft(events) };
        model.accept(&draft);
        for handle in [handles[0], handles[0], handles[1]] {
            assert_eq!(
                draft.send(handle, &model.key).await,
                Outcome::Applied(draft.next()),
                "of step {step}"
            );
            for handle in handles {
                assert_holds(*handle, &model).await;
            }
        }
        let copies = (0..6).map(|n| draft.send(handles[n % 2], &model.key));
        for outcome in futures::future::join_all(copies).await {
            assert_eq!(outcome, Outcome::Applied(draft.next()), "of a copy of step {step}");
        }
        if let Some(before) = before.replace(draft) {
            match before.send(handles[step as usize % 2], &model.key).await {
                Outcome::Applied(version) => assert_eq!(version, before.next()),
                Outcome::Conflict { actual } => assert_eq!(actual, model.version),
            }
        }
        assert_holds(handles[step as usize % 2], &model).await;
    }
    assert_log(handles[1], &model, Version::ABSENT).await;
}

/// What may create a task: it runs, is parked or is over with its first commit, and is small or large.
fn births() -> Vec<(TaskModel, Vec<StreamResponse>)> {
    let kinds = [
        (TaskState::Working, 10),
        (TaskState::InputRequired, 10),
        (TaskState::InputRequired, LARGE),
        (TaskState::Completed, 10),
    ];
    let birth = |(state, size): (TaskState, usize)| {
        let model = TaskModel::new(&format!("{state:?} with {size}"));
        let events = vec![
            StreamResponse::Task(model.task.clone()),
            chunk(&model.task, "artifact", vec![Part::text(noise(1, size))], false),
            status(&model.task, state, at(1)),
        ];
        (model, events)
    };
    kinds.into_iter().map(birth).collect()
}

async fn a_birth_counts_once(handles: &[&dyn Store; 2], mut model: TaskModel, events: Vec<StreamResponse>) {
    let birth = model.draft(events);
    model.accept(&birth);
    for handle in [handles[0], handles[0], handles[1], handles[0]] {
        assert_eq!(birth.send(handle, &model.key).await, Outcome::Applied(Version::new(1)));
        assert_holds(handles[1], &model).await;
    }
    let twin = Draft { id: commit_id(), ..birth.clone() };
    let outcome = twin.send(handles[1], &model.key).await;
    assert_eq!(outcome, Outcome::Conflict { actual: model.version }, "of an equal creation under another id");
    assert_holds(handles[0], &model).await;
    model.tell(handles[1], vec![message(&model.task, "m", vec![Part::text("later")])]).await;
    assert_holds(handles[0], &model).await;
}

/// The creator is whom the first commit names, be it nobody; later commits cannot change it.
pub async fn the_principal_is_set_by_the_first_commit_only(fixture: &dyn StoreFixture) {
    let store = fixture.handle().await;
    let models =
        [TaskModel::new("hers").by("ann"), TaskModel::new("nobodys"), TaskModel::new("empty").by("")];
    for model in models {
        let mut model = model.begin(&*store).await;
        for claimed in [Some("bob"), None, Some("")] {
            let event = status(&model.task, TaskState::Working, at(1));
            let principal = claimed.map(Principal::new);
            let draft = Draft { principal, ..model.draft(vec![event]) };
            assert_eq!(draft.send(&*store, &model.key).await, Outcome::Applied(draft.next()));
            model.accept(&draft);
            assert_holds(&*store, &model).await;
        }
    }
}
