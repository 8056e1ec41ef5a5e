//! Large commits: whole, or not at all.

use a2a::{Part, StreamResponse, TaskState};
use a2a_core::{BackendError, Outcome, Store, Version};

use super::walk::{assert_holds, assert_log};
use crate::StoreFixture;
use crate::sample::{Draft, TaskModel, at, chunk, noise, status};

const KB: usize = 1024;

/// From 100 KB to several MB, in one event or in many, for a new task or an old one: a commit is there in
/// full, or it is `TooLarge` and there is no trace of it.
pub async fn a_large_commit_is_applied_or_too_large(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut model = TaskModel::new("t").begin(&*store).await;
    for (n, size) in [100, 350, 399, 401, 600, 1_100, 3_000, 5_000].into_iter().enumerate() {
        let text = noise(size as u64, size * KB);
        let alone = vec![chunk(&model.task, &format!("a{n}"), vec![Part::text(text)], false)];
        attempt(&*store, &*other, &mut model, alone).await;
    }
    let hundred = |size: usize| {
        let piece = |n: u64| chunk(&model.task, "many", vec![Part::text(noise(n, size))], n > 0);
        (0..100).map(piece).collect::<Vec<_>>()
    };
    let (fair, heavy) = (hundred(2 * KB), hundred(60 * KB));
    attempt(&*store, &*other, &mut model, fair).await;
    attempt(&*store, &*other, &mut model, heavy).await;
    let mut raw = fastrand::Rng::with_seed(7);
    let bytes: Vec<u8> = (0..2_000 * KB).map(|_| raw.u8(..)).collect();
    let raw = vec![chunk(&model.task, "raw", vec![Part::raw(bytes)], false)];
    attempt(&*store, &*other, &mut model, raw).await;

    let done = status(&model.task, TaskState::Completed, at(1));
    model.tell(&*store, vec![done]).await;
    assert_holds(&*other, &model).await;
    assert_log(&*other, &model, Version::ABSENT).await;

    for size in [600, 3_000] {
        let mut newborn = TaskModel::new(&format!("big-{size}"));
        newborn.task.artifacts = match chunk(&newborn.task, "a", vec![Part::text(noise(1, size * KB))], false)
        {
            StreamResponse::ArtifactUpdate(update) => Some(vec![update.artifact]),
            _ => None,
        };
        let whole = vec![StreamResponse::Task(newborn.task.clone())];
        attempt(&*store, &*other, &mut newborn, whole).await;
    }
}

async fn attempt(store: &dyn Store, other: &dyn Store, model: &mut TaskModel, events: Vec<StreamResponse>) {
    let draft = model.draft(events);
    match store.commit(&model.key, draft.commit()).await {
        Ok(outcome) => {
            assert_eq!(outcome, Outcome::Applied(draft.next()));
            let again = draft.send(other, &model.key).await;
            assert_eq!(again, Outcome::Applied(draft.next()), "of the same large commit again");
            let rival = Draft { id: crate::sample::commit_id(), ..draft.clone() };
            let lost = rival.send(other, &model.key).await;
            assert_eq!(lost, Outcome::Conflict { actual: draft.next() }, "of a large rival");
            let before = model.version;
            model.accept(&draft);
            assert_log(other, model, before).await;
        }
        Err(BackendError::TooLarge { actual, limit, .. }) => {
            assert!(actual > limit, "too large at {actual} of {limit}");
            assert_log(other, model, model.version).await;
        }
        Err(error) => panic!("neither applied nor too large: {error:?}"),
    }
    assert_holds(other, model).await;
}
