//! Forgetting on a store that does no more for it than any does: pages, what is told, and breaking off.

use std::ops::ControlFlow;

use a2a::TaskState;
use a2a_cluster::{Forget, ForgetOutcome, forget};
use a2a_core::{GivenUpDelivery, Principal, PushConfigs, TaskQuery, TaskStore, Tenant, Version};
use a2a_store_memory::MemoryStore;
use a2a_testkit::sample::{TaskModel, at, claim, instance, status};

/// More than names on a page.
const TASKS: usize = 150;

async fn task(store: &MemoryStore, id: &str, caller: &str, last: TaskState) -> TaskModel {
    let mut model = TaskModel::new(id).by(caller).begin(store).await;
    let working = status(&model.task, TaskState::Working, at(1));
    model.tell_with(store, vec![working], claim(instance())).await;
    if last != TaskState::Working {
        let end = status(&model.task, last, at(2));
        model.tell_with(store, vec![end], a2a_core::ClaimChange::End).await;
    }
    model
}

async fn filled() -> MemoryStore {
    let store = MemoryStore::new();
    for n in 0..TASKS {
        task(&store, &n.to_string(), "ann", TaskState::Completed).await;
    }
    let runs = task(&store, "runs", "ann", TaskState::Working).await;
    let delivery = GivenUpDelivery {
        task: runs.key,
        config_id: "gone".into(),
        version: Version::new(1),
        host: "example.com".into(),
        reason: "410 Gone".into(),
        at: at(1),
    };
    store.give_up(&delivery).await.unwrap();
    task(&store, "bobs", "bob", TaskState::Completed).await;
    store
}

fn anns() -> Forget {
    Forget::Tasks { tenant: Tenant::default(), principal: Some(Principal::new("ann")), context_id: None }
}

async fn left(store: &MemoryStore, caller: &str) -> u64 {
    let query = TaskQuery::new(Tenant::default(), Some(Principal::new(caller)), 1);
    store.list(&query).await.unwrap().total
}

#[tokio::test(start_paused = true)]
async fn all_pages_are_found_and_removed() {
    let store = filled().await;
    for apply in [false, true] {
        let (mut count, mut running, mut given_up) = (0, 0, 0);
        let mut tell = |one: &a2a_cluster::Forgotten| {
            assert_eq!(matches!(one.outcome, ForgetOutcome::Gone), apply, "{one:?}");
            (count, running) = (count + 1, running + usize::from(one.runs));
            given_up += one.given_up;
            ControlFlow::Continue(())
        };
        let done = forget(&store, &anns(), apply, &mut tell).await.unwrap();
        assert_eq!((done, count, running, given_up), (ControlFlow::Continue(()), TASKS + 1, 1, 1));
        let expected = if apply { 0 } else { TASKS as u64 + 1 };
        assert_eq!((left(&store, "ann").await, left(&store, "bob").await), (expected, 1));
    }
    assert_eq!(store.given_up(None, 10).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_told_may_break_off_and_go_on_later() {
    let store = filled().await;
    let mut told = 0;
    let mut tell = |_: &a2a_cluster::Forgotten| {
        told += 1;
        if told == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let done = forget(&store, &anns(), true, &mut tell).await.unwrap();
    assert_eq!((done, told), (ControlFlow::Break(()), 3));
    assert!(left(&store, "ann").await >= TASKS as u64 / 2, "the next page was not begun");
    let mut tell = |_: &a2a_cluster::Forgotten| ControlFlow::Continue(());
    let done = forget(&store, &anns(), true, &mut tell).await.unwrap();
    assert_eq!((done, left(&store, "ann").await), (ControlFlow::Continue(()), 0));
}
