//! Pages: every task that holds still is on one of them, once, whatever the others do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use a2a::TaskState;
use a2a_core::{Store, TaskQuery, Tenant};
use tokio::task::JoinSet;

use super::walk::ids;
use crate::StoreFixture;
use crate::expect::{eventually, persist};
use crate::sample::{TaskModel, at, status};

const STILL: usize = 24;
const RESTLESS: usize = 8;

/// Walking the pages, of any size, meets each task that does not change exactly once, while others are
/// created, change and are deleted before, between and after the pages.
pub async fn list_pages_cover_every_unchanged_task_once(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut restless = Vec::new();
    let mut still = Vec::new();
    for n in 0..STILL.max(RESTLESS) {
        // Three tasks share each time, so that pages also break between equal times.
        let mut model = TaskModel::new(&format!("still-{n:02}"));
        model.task.status.timestamp = Some(at(n as i64 / 3));
        still.push(model.begin(&*store).await.task.id);
        if n < RESTLESS {
            let mut model = TaskModel::new(&format!("restless-{n}"));
            model.task.status.timestamp = Some(at(3 * n as i64 / 3));
            restless.push(model.begin(&*store).await);
        }
    }
    still.sort();
    let query = TaskQuery::new(Tenant::default(), None, 100);
    eventually(fixture.patience(), STILL + RESTLESS, async || ids(&*other, &query).await.len()).await;

    for limit in [1, 2, 5, 7, STILL, 100] {
        let query = TaskQuery { limit, ..query.clone() };
        let seen = walk_while_others_change(&*other, &*store, &query, &mut restless).await;
        assert_eq!(seen, still, "unchanged tasks on pages of {limit}");
    }

    let done = Arc::new(AtomicBool::new(false));
    let mut churning = JoinSet::new();
    for model in restless {
        churning.spawn(churn(fixture.handle().await, model, Arc::clone(&done)));
    }
    for limit in [1, 3, 4, 10] {
        let query = TaskQuery { limit, ..query.clone() };
        let seen: Vec<_> = sorted(ids(&*other, &query).await, "still");
        assert_eq!(seen, still, "unchanged tasks on pages of {limit} during constant change");
    }
    done.store(true, Ordering::SeqCst);
    churning.join_all().await;
}

/// Between any two pages one task moves to the front, one is deleted and one is born.
async fn walk_while_others_change(
    reader: &dyn Store,
    writer: &dyn Store,
    query: &TaskQuery,
    restless: &mut Vec<TaskModel>,
) -> Vec<String> {
    let mut query = query.clone();
    let mut seen = Vec::new();
    for step in 0.. {
        let page = persist(|| reader.list(&query)).await;
        assert!(page.tasks.len() <= query.limit);
        seen.extend(page.tasks.into_iter().map(|task| task.id));
        if page.next.is_none() {
            return sorted(seen, "still");
        }
        query.after = page.next;
        assert!(step < 200, "the pages do not end");

        let count = restless.len();
        let mover = &mut restless[step % count];
        let event = status(&mover.task, TaskState::Working, at(1_000 + step as i64));
        mover.tell(writer, vec![event]).await;
        let victim = restless.remove((step + 3) % count);
        writer.delete(&victim.key).await.unwrap();
        let mut newborn = TaskModel::about(victim.key, "c");
        newborn.task.status.timestamp = Some(at(step as i64 % 11));
        restless.push(newborn.begin(writer).await);
    }
    unreachable!("the loop returns or panics")
}

async fn churn(store: Arc<dyn Store>, mut model: TaskModel, done: Arc<AtomicBool>) {
    let mut step = 5_000;
    while !done.load(Ordering::SeqCst) {
        step += 1;
        let event = status(&model.task, TaskState::Working, at(step));
        model.tell(&*store, vec![event]).await;
        tokio::task::yield_now().await;
    }
}

fn sorted(ids: Vec<String>, prefix: &str) -> Vec<String> {
    let mut ids: Vec<_> = ids.into_iter().filter(|id| id.starts_with(prefix)).collect();
    ids.sort();
    ids
}
