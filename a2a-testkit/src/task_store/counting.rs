//! The total of a list counts the matches on all pages.

use a2a::TaskState;
use a2a_core::{Cursor, Store, TaskQuery, Tenant};

use crate::StoreFixture;
use crate::expect::{eventually, persist};
use crate::sample::{TaskModel, at, status};

/// The total is that of all matches: on every page, for every page size, with every filter.
pub async fn list_counts_all_matches(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let all = TaskQuery::new(Tenant::default(), None, 100);
    assert_eq!(store.list(&all).await.unwrap().total, 0, "of an empty store");

    let mut models = Vec::new();
    for n in 0..23 {
        let context = if n < 9 { "c" } else { "d" };
        let key = a2a_core::TaskKey::new(Tenant::default(), format!("t{n:02}"));
        let mut model = TaskModel::about(key, context).begin(&*store).await;
        if n % 2 == 0 {
            let event = status(&model.task, TaskState::Working, at(n));
            model.tell(&*store, vec![event]).await;
        }
        models.push(model);
    }
    TaskModel::new("other").by("ann").begin(&*store).await;

    let context = TaskQuery { context_id: Some("c".into()), ..all.clone() };
    let working = TaskQuery { state: Some(TaskState::Working), ..all.clone() };
    let recent = TaskQuery { updated_since: Some(at(10)), ..all.clone() };
    let both = TaskQuery { state: Some(TaskState::Working), ..context.clone() };
    let nothing = TaskQuery { state: Some(TaskState::Rejected), ..all.clone() };
    for (query, total) in [(&all, 23), (&context, 9), (&working, 12), (&recent, 7), (&both, 5), (&nothing, 0)]
    {
        for limit in [1, 4, 100] {
            let query = TaskQuery { limit, ..query.clone() };
            // As many pages as are needed, each with the same total.
            let same = vec![total; (total as usize).div_ceil(limit).max(1)];
            eventually(fixture.patience(), same, async || totals(&*other, query.clone()).await).await;
        }
    }
    let beyond = Cursor { timestamp: at(-1_000_000), task_id: String::new() };
    let query = TaskQuery { after: Some(beyond), ..all.clone() };
    eventually(fixture.patience(), (0, 23), async || {
        let page = other.list(&query).await.unwrap();
        (page.tasks.len(), page.total)
    })
    .await;
    let counted = TaskQuery { counted: Some(7), after: Some(Cursor::of(&models[3].task)), ..all.clone() };
    assert_eq!(other.list(&counted).await.unwrap().total, 7, "as it was told before");
    other.delete(&models[0].key).await.unwrap();
    eventually(fixture.patience(), 22, async || store.list(&all).await.unwrap().total).await;
}

async fn totals(store: &dyn Store, mut query: TaskQuery) -> Vec<u64> {
    let mut totals = Vec::new();
    loop {
        let page = persist(|| store.list(&query)).await;
        // A last page may turn out empty: whoever made the one before could not know.
        if !page.tasks.is_empty() || totals.is_empty() {
            totals.push(page.total);
        }
        match page.next {
            Some(next) if totals.len() < 100 => query.after = Some(next),
            _ => return totals,
        }
    }
}
