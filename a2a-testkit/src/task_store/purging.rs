//! What whoever forgets a caller needs: the names of all of its tasks, and their removal for good.

use std::collections::BTreeSet;

use a2a::TaskState;
use a2a_core::{Principal, Purged, Replay, TaskKey, TaskQuery, TaskStore, Tenant, Version};

use super::walk::assert_holds;
use crate::StoreFixture;
use crate::expect::{eventually, persist};
use crate::push_configs::subscription;
use crate::sample::{TaskModel, at, status};

/// Following `list_keys` from page to page, of any size, meets each task of the caller, or of one of its contexts, in
/// whichever state, and nobody else's.
pub async fn list_keys_names_every_task_of_the_list(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let states = [None, Some(TaskState::Completed), Some(TaskState::InputRequired), Some(TaskState::Failed)];
    let (tenant, mut own, mut in_context) = (Tenant::new("t"), BTreeSet::new(), BTreeSet::new());
    for n in 0..12_usize {
        let context = if n.is_multiple_of(3) { "c" } else { "d" };
        for (principal, tenant) in [(Some("ann"), "t"), (None, "t"), (Some("ann"), "")] {
            let id = format!("{n}-{}", principal.unwrap_or_default());
            let model = TaskModel::about(TaskKey::new(Tenant::new(tenant), id), context);
            let model = if let Some(name) = principal { model.by(name) } else { model };
            let mut model = model.begin(&*store).await;
            if let Some(state) = &states[n % states.len()] {
                let event = status(&model.task, state.clone(), at(n as i64));
                model.tell(&*store, vec![event]).await;
            }
            if principal.is_some() && tenant == "t" {
                own.insert(model.key.clone());
                in_context.extend((context == "c").then_some(model.key));
            }
        }
    }
    for limit in [1, 5, 100] {
        let of_caller = TaskQuery::new(tenant.clone(), Some(Principal::new("ann")), limit);
        let of_context = TaskQuery { context_id: Some("c".into()), ..of_caller.clone() };
        for (query, expected) in [(of_caller, &own), (of_context, &in_context)] {
            eventually(fixture.patience(), expected.clone(), async || named(&*other, &query).await).await;
        }
    }
}

/// All names that the pages hold.
async fn named(store: &dyn TaskStore, query: &TaskQuery) -> BTreeSet<TaskKey> {
    let (mut query, mut names) = (query.clone(), BTreeSet::new());
    for _ in 0..200 {
        let page = persist(|| store.list_keys(&query)).await;
        assert!(page.keys.len() <= query.limit);
        names.extend(page.keys);
        match page.next {
            None => return names,
            next => query.after = next,
        }
    }
    panic!("the pages of names do not end");
}

/// After a purge the task is as if it had never been, and is absent; its neighbours stay, and its key can be created anew.
pub async fn purge_removes_what_delete_removes(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let neighbour = TaskModel::new("t1").begin(&*store).await;
    let absent = TaskModel::new("t");
    assert_eq!(store.purge(&absent.key).await.unwrap(), Purged::Absent);
    for ends in [true, false] {
        let mut model = TaskModel::new("t").by("ann").begin(&*store).await;
        store.save_config(&model.key, &subscription(&model.key, "hook")).await.unwrap();
        if ends {
            let end = status(&model.task, TaskState::Completed, at(1));
            model.tell(&*store, vec![end]).await;
        }
        assert_ne!(store.purge(&model.key).await.unwrap(), Purged::Absent);
        assert_holds(&*other, &absent).await;
        assert_eq!(other.list_configs(&model.key).await.unwrap(), [], "configs of a purged task");
        let replay = other.commits_after(&model.key, Version::ABSENT).await.unwrap();
        assert_eq!(replay, Replay::Commits(Vec::new()), "the log of a purged task");
        assert_eq!(other.purge(&model.key).await.unwrap(), Purged::Absent, "purging it again");
        let query = TaskQuery::new(Tenant::default(), model.principal, 10);
        eventually(fixture.patience(), BTreeSet::new(), async || named(&*other, &query).await).await;
    }
    assert_holds(&*other, &neighbour).await;
    let anew = TaskModel::new("t").begin(&*other).await;
    assert_holds(&*store, &anew).await;
    assert_eq!(store.list_configs(&anew.key).await.unwrap(), [], "configs of the new task");
}
