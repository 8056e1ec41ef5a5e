//! When the index is touched, and that readers of it see every task once.

use std::sync::mpsc;
use std::time::Duration;

use a2a::Part;
use a2a_core::TaskStore;
use a2a_testkit::sample::{TaskModel, at, chunk, status};

use super::*;
use crate::MemoryStore;

fn everything(limit: usize) -> TaskQuery {
    TaskQuery::new(Tenant::default(), None, limit)
}

#[tokio::test]
async fn commits_that_change_no_status_leave_the_index_alone() {
    let store = MemoryStore::new();
    let mut model = TaskModel::new("t").begin(&store).await;
    let event = status(&model.task, TaskState::Working, at(1));
    model.tell(&store, vec![event]).await;

    let location = store.location.clone();
    let owner = Owner { tenant: Tenant::default(), principal: None };
    let held = location.listing.owners.lock(&owner);
    let (done, finished) = mpsc::channel();
    let writer = std::thread::spawn(move || {
        let event = chunk(&model.task, "a", vec![Part::text("x")], false);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(model.tell(&store, vec![event]));
        done.send(()).unwrap();
    });
    let verdict = finished.recv_timeout(Duration::from_secs(30));
    drop(held);
    writer.join().unwrap();
    assert_eq!(verdict, Ok(()), "the commit waited for the index");
}

#[tokio::test]
async fn an_owner_without_tasks_takes_no_room() {
    let store = MemoryStore::new();
    let model = TaskModel::new("t").by("ann").begin(&store).await;
    let owner = Owner { tenant: Tenant::default(), principal: model.principal.clone() };
    let owners = &store.location.listing.owners;
    assert_eq!(owners.lock(&owner).len(), 1);
    assert!(store.delete(&model.key).await.unwrap());
    assert_eq!(owners.lock(&owner).len(), 0);
}

#[tokio::test]
async fn a_context_or_state_without_tasks_takes_no_room() {
    let store = MemoryStore::new();
    let mut model = TaskModel::new("t").begin(&store).await;
    TaskModel::new("other").begin(&store).await;
    for (state, context) in [(TaskState::Working, "d"), (TaskState::InputRequired, "e")] {
        model.task.context_id = context.into();
        let event = status(&model.task, state, at(1));
        model.tell(&store, vec![event]).await;
    }
    let owner = Owner { tenant: Tenant::default(), principal: None };
    let owners = store.location.listing.owners.lock(&owner);
    let tasks = owners.get(&owner).unwrap();
    assert_eq!(tasks.contexts.len(), 2);
    assert_eq!(tasks.all.states.len(), 2);
}

#[tokio::test]
async fn a_task_that_changes_while_it_is_listed_is_on_the_first_page() {
    const CHANGES: i64 = 2_000;
    let store = MemoryStore::new();
    TaskModel::new("still").begin(&store).await;
    let mut moving = TaskModel::new("moving").begin(&store).await;

    let to = store.clone();
    let writer = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for change in 1..=CHANGES {
            let event = status(&moving.task, TaskState::Working, at(change));
            runtime.block_on(moving.tell(&to, vec![event]));
        }
    });
    while !writer.is_finished() {
        let page = store.list(&everything(2)).await.unwrap();
        let ids: Vec<&str> = page.tasks.iter().map(|task| &*task.id).collect();
        assert!(ids == ["moving", "still"] || ids == ["still", "moving"], "{ids:?}");
        assert_eq!(page.total, 2);
    }
    writer.join().unwrap();
    let page = store.list(&everything(2)).await.unwrap();
    assert_eq!(page.tasks[0].status.timestamp, Some(at(CHANGES)));
}
