//! The log: every commit once, in order, without a hole, exactly as it was written.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a::{Part, TaskState};
use a2a_core::{Outcome, Replay, Version};
use tokio::task::JoinSet;

use super::walk::{assert_log, log_of};
use crate::StoreFixture;
use crate::sample::{TaskModel, at, awkward_text, chunk, message, noise, parts_of_every_kind, status_saying};

const WRITERS: usize = 8;
const COMMITS: usize = 12;

/// After many writers have fought over a task, its log holds the commits of 1 to its version, and these are
/// the ones that were answered `Applied`.
pub async fn versions_have_no_holes(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let model = TaskModel::new("t").begin(&*store).await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = if writer % 2 == 0 { Arc::clone(&store) } else { Arc::clone(&other) };
        let mut model = model.clone();
        writers.spawn(async move {
            let mut applied = Vec::new();
            while applied.len() < COMMITS {
                let id = format!("{writer}-{}", applied.len());
                let draft = model.draft(vec![message(&model.task, &id, vec![Part::text("x")])]);
                match draft.send(&*store, &model.key).await {
                    Outcome::Applied(version) => {
                        assert_eq!(version, draft.next());
                        model.accept(&draft);
                        applied.push((version, draft.id));
                    }
                    Outcome::Conflict { actual } => {
                        assert!(actual > model.version, "the actual version {actual} is no later");
                        let stored = store.load(&model.key).await.unwrap().expect("the task");
                        assert!(stored.version >= actual, "load is older than the conflict said");
                        (model.version, model.generation) = (stored.version, stored.generation);
                        model.task = stored.task;
                    }
                }
            }
            applied
        });
    }
    let applied: BTreeSet<_> = writers.join_all().await.into_iter().flatten().collect();
    assert_eq!(applied.len(), WRITERS * COMMITS, "each version has one writer");

    let stored = other.load(&model.key).await.unwrap().expect("the task");
    assert_eq!(stored.version, Version::new((WRITERS * COMMITS + 1) as u64));
    assert_eq!(stored.task.history.map(|history| history.len()), Some(WRITERS * COMMITS));
    let (snapshot, log) = log_of(&*other, &model.key, Version::ABSENT).await;
    let known: BTreeSet<_> = log.iter().map(|record| (record.version, record.id)).collect();
    assert!(
        known.iter().all(|entry| entry.0 == Version::new(1) || applied.contains(entry)),
        "foreign commits"
    );
    let end = log.last().map(|record| record.version).or(snapshot.map(|stored| stored.version));
    assert_eq!(end, Some(stored.version), "the end of the log");
}

/// From whatever version on, the log returns all that follows in order, as it was written; nothing at its
/// end, and nothing for a task that does not exist.
pub async fn commits_after_returns_all_later_commits_in_order(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let absent = TaskModel::new("absent");
    for after in [0, 1, 7] {
        let replay = store.commits_after(&absent.key, Version::new(after)).await.unwrap();
        assert_eq!(replay, Replay::Commits(Vec::new()), "of an absent task");
    }

    let mut model = TaskModel::new("t").begin(&*store).await;
    TaskModel::new("t1").begin(&*store).await;
    for n in 0..120_i64 {
        let name = format!("n{n}");
        let parts = match n % 10 {
            0 => parts_of_every_kind(),
            5 => vec![Part::text(noise(n as u64, 20_000))],
            _ => vec![Part::text(awkward_text())],
        };
        let events = match n % 4 {
            0 => vec![status_saying(&model.task, TaskState::Working, at(n), &name, parts)],
            1 => vec![chunk(&model.task, "a", parts.clone(), n > 1), chunk(&model.task, &name, parts, false)],
            2 => vec![message(&model.task, &name, parts)],
            _ => Vec::new(),
        };
        model.tell(&*store, events).await;
    }
    for after in (0..model.log.len()).step_by(11).chain([model.log.len() - 1, model.log.len()]) {
        assert_log(&*other, &model, Version::new(after as u64)).await;
    }
}
