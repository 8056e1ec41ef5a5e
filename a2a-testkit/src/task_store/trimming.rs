//! What lists leave out of the tasks they show.

use a2a::{Part, Task, TaskState};
use a2a_core::{Store, TaskQuery, Tenant};

use crate::StoreFixture;
use crate::expect::eventually;
use crate::sample::{TaskModel, at, chunk, message, noise, status_saying};

async fn two_tasks(store: &dyn Store) -> [TaskModel; 2] {
    let mut talkative = TaskModel::new("talkative").begin(store).await;
    for n in 0..6 {
        let text = vec![Part::text(noise(n, 3_000))];
        let events = vec![
            message(&talkative.task, &format!("m{n}"), text.clone()),
            status_saying(&talkative.task, TaskState::Working, at(n as i64), &format!("s{n}"), text.clone()),
            chunk(&talkative.task, "a", text, n > 0),
        ];
        talkative.tell(store, events).await;
    }
    [talkative, TaskModel::new("silent").begin(store).await]
}

async fn expect_trimmed(
    fixture: &dyn StoreFixture,
    store: &dyn Store,
    query: &TaskQuery,
    models: &[TaskModel],
) {
    let expected: Vec<Task> = models
        .iter()
        .map(|model| {
            let mut task = model.task.clone();
            query.trim(&mut task);
            task
        })
        .collect();
    eventually(fixture.patience(), expected, async || store.list(query).await.unwrap().tasks).await;
}

/// Unless asked for, artifacts are absent, not empty. Asked for, they are whole, and present where there are
/// none.
pub async fn list_omits_artifacts_unless_asked(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let models = two_tasks(&*store).await;
    for artifacts in [false, true, false] {
        let query = TaskQuery { artifacts, ..TaskQuery::new(Tenant::default(), None, 10) };
        expect_trimmed(fixture, &*other, &query, &models).await;
        for task in other.list(&query).await.unwrap().tasks {
            assert_eq!(task.artifacts.is_some(), artifacts, "the artifacts of {}", task.id);
        }
    }
    let whole = store.load(&models[0].key).await.unwrap().expect("the task").task;
    assert_eq!(whole, models[0].task, "listing cuts no stored task");
}

/// The history is whole when no length is asked for, absent at 0, and else the latest so many messages.
pub async fn list_applies_the_history_length(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let models = two_tasks(&*store).await;
    let length = models[0].task.history.iter().flatten().count();
    for history in [None, Some(0), Some(1), Some(2), Some(length), Some(length + 1), Some(usize::MAX)] {
        for artifacts in [false, true] {
            let query = TaskQuery { history, artifacts, ..TaskQuery::new(Tenant::default(), None, 10) };
            expect_trimmed(fixture, &*other, &query, &models).await;
        }
    }
    let zero = TaskQuery { history: Some(0), ..TaskQuery::new(Tenant::default(), None, 10) };
    for task in other.list(&zero).await.unwrap().tasks {
        assert_eq!(task.history, None, "the history of {} at length 0", task.id);
    }
    let whole = store.load(&models[0].key).await.unwrap().expect("the task").task;
    assert_eq!(whole, models[0].task, "listing cuts no stored task");
}
