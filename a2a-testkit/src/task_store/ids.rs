//! Hostile ids: each names its own record and no other.

use std::collections::HashSet;

use a2a::{Part, StreamResponse};
use a2a_core::{BackendError, Store, TaskKey, TaskQuery, Tenant, Version};
use futures::stream::{self, StreamExt};

use super::walk::{assert_holds, assert_log, ids};
use crate::StoreFixture;
use crate::expect::{eventually, persist};
use crate::push_configs::subscription;
use crate::sample::{LONGEST_ID, TaskModel, hostile_ids, hostile_keys, message};

/// Any text is a legal tenant, task id and context id. Records under similar ones stay apart in
/// all reads and writes. Above 512 bytes a store may refuse.
pub async fn ids_are_hostile(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let own_context = |id: String| TaskModel::about(TaskKey::new(Tenant::new("ids"), id.clone()), &id);
    let models: Vec<_> = hostile_ids().into_iter().map(own_context).collect();
    let joined: HashSet<TaskKey> = hostile_keys().into_iter().collect();
    let models = models.into_iter().chain(joined.into_iter().map(|key| TaskModel::about(key, "c")));
    let mut models: Vec<_> =
        stream::iter(models).map(|s| written(&*store, s)).buffer_unordered(8).collect().await;

    for model in &models {
        assert_holds(&*other, model).await;
        assert_log(&*other, model, Version::ABSENT).await;
        assert_eq!(
            other.list_configs(&model.key).await.unwrap(),
            [subscription(&model.key, &model.key.task_id)]
        );
        let config = other.get_config(&model.key, &model.key.task_id).await.unwrap();
        assert_eq!(config, Some(subscription(&model.key, &model.key.task_id)));
    }
    let by_tenant = |tenant: &Tenant, models: &[TaskModel]| {
        let mine = models.iter().filter(|s| s.key.tenant == *tenant).map(|s| s.key.task_id.clone());
        let mut mine: Vec<_> = mine.collect();
        mine.sort_by(|a, b| b.cmp(a));
        mine
    };
    let tenants: HashSet<_> = models.iter().map(|model| model.key.tenant.clone()).collect();
    for tenant in &tenants {
        let query = TaskQuery::new(tenant.clone(), None, 7);
        let mine = by_tenant(tenant, &models);
        eventually(fixture.patience(), mine, async || ids(&*other, &query).await).await;
    }
    for id in hostile_ids() {
        let query = TaskQuery::new(Tenant::new("ids"), None, 7);
        let query = TaskQuery { context_id: Some(id.clone()), ..query };
        eventually(fixture.patience(), vec![id], async || ids(&*other, &query).await).await;
    }

    for n in (0..models.len()).rev().step_by(2) {
        assert!(store.delete(&models.swap_remove(n).key).await.unwrap());
    }
    for model in &models {
        assert_holds(&*other, model).await;
        assert_eq!(other.list_configs(&model.key).await.unwrap().len(), 1);
    }
    long_ids_work_or_are_rejected(&*store).await;
}

async fn written(store: &dyn Store, model: TaskModel) -> TaskModel {
    let mut model = model.begin(store).await;
    let said = message(&model.task, &model.task.id, vec![Part::text("mine")]);
    model.tell(store, vec![said]).await;
    let mine = subscription(&model.key, &model.key.task_id);
    persist(|| store.save_config(&model.key, &mine)).await;
    model
}

async fn long_ids_work_or_are_rejected(store: &dyn Store) {
    for length in [LONGEST_ID + 1, 3_000, 100_000] {
        for (tenant, id, context) in [(length, 1, 1), (1, length, 1), (1, 1, length)] {
            let key = TaskKey::new(Tenant::new("x".repeat(tenant)), "y".repeat(id));
            let model = TaskModel::about(key, &"z".repeat(context));
            let draft = model.draft(vec![StreamResponse::Task(model.task.clone())]);
            match store.commit(&model.key, draft.commit()).await {
                Ok(_) => assert!(
                    store.load(&model.key).await.unwrap().is_some_and(|stored| stored.task == model.task)
                ),
                Err(BackendError::Rejected { .. }) => {}
                Err(error) => panic!("an id of {length} bytes: {error:?}"),
            }
            let loaded = store.load(&model.key).await;
            assert!(matches!(loaded, Ok(_) | Err(BackendError::Rejected { .. })), "load: {loaded:?}");
            // The ids of the next round are as short as these in some places.
            let _ = store.delete(&model.key).await;
        }
    }
}
