//! Reading a store to the end: whole logs and whole lists, and comparing a task with what it must be.

use std::sync::Arc;

use a2a::Task;
use a2a_core::{CommitRecord, Replay, StoredTask, TaskKey, TaskQuery, TaskStore, Version};

use crate::expect::persist;
use crate::sample::TaskModel;

/// Asserts that `load`, `head` and `watchers` return what the model says.
pub(super) async fn assert_holds(store: &dyn TaskStore, model: &TaskModel) {
    let loaded = persist(|| store.load(&model.key)).await;
    assert_eq!(loaded, model.stored_as(loaded.as_ref()), "load of {:?}", model.key);
    let head = persist(|| store.head(&model.key)).await;
    assert_eq!(head, model.head_as(head.as_ref()), "head of {:?}", model.key);
    let watchers = persist(|| store.watchers(&model.key)).await;
    assert_eq!(watchers, model.watchers, "watchers of {:?}", model.key);
}

/// Asserts that the log after a version is what the model says: every commit, or a snapshot in place of the
/// first ones.
pub(super) async fn assert_log(store: &dyn TaskStore, model: &TaskModel, after: Version) {
    let (snapshot, log) = log_of(store, &model.key, after).await;
    let since = snapshot.map_or(after, |stored| {
        let expected = model.stored_as(Some(&stored));
        assert_eq!(expected.as_ref(), Some(&*stored), "the snapshot of {:?} after {after}", model.key);
        stored.version
    });
    let since = since.min(model.version).get() as usize;
    assert_eq!(log, model.log[since..], "the log of {:?} after {after}", model.key);
}

/// Reads all commits after a version; where the store answers with a snapshot, the snapshot and the commits
/// after it. Asserts that the log goes on without a hole.
pub(super) async fn log_of(
    store: &dyn TaskStore,
    key: &TaskKey,
    after: Version,
) -> (Option<Box<StoredTask>>, Vec<Arc<CommitRecord>>) {
    let mut snapshot = None;
    let mut records = Vec::new();
    let mut seen = after;
    loop {
        match persist(|| store.commits_after(key, seen)).await {
            Replay::Commits(more) if more.is_empty() => return (snapshot, records),
            Replay::Commits(more) => {
                for record in more {
                    assert_eq!(record.version, seen.next(), "a hole in the log of {key:?}");
                    seen = record.version;
                    records.push(record);
                }
            }
            Replay::Snapshot(stored) => {
                assert!(stored.version > seen, "a snapshot of {key:?} at {} after {seen}", stored.version);
                seen = stored.version;
                records.clear();
                snapshot = Some(stored);
            }
        }
    }
}

/// Reads a list to its end, page by page.
pub(super) async fn pages(store: &dyn TaskStore, query: &TaskQuery) -> Vec<Vec<Task>> {
    let mut query = query.clone();
    let mut pages = Vec::new();
    loop {
        let page = persist(|| store.list(&query)).await;
        assert!(page.tasks.len() <= query.limit, "{} tasks on a page of {}", page.tasks.len(), query.limit);
        pages.push(page.tasks);
        assert!(pages.len() < 2_000, "the pages do not end");
        match page.next {
            None => return pages,
            next => query.after = next,
        }
    }
}

/// Reads the ids of a list's tasks, in order.
pub(super) async fn ids(store: &dyn TaskStore, query: &TaskQuery) -> Vec<String> {
    pages(store, query).await.into_iter().flatten().map(|task| task.id).collect()
}
