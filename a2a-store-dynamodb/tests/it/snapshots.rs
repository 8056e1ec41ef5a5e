//! Snapshots of a parked task, which every commit supersedes: no writer takes one from under a reader.

use std::sync::Arc;

use a2a::{Part, TaskState};
use a2a_core::{BackendError, Env, SystemEnv, TaskStore};
use a2a_store_dynamodb::DynamoDbStore;
use a2a_testkit::sample::{TaskModel, at, message, status};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::FutureExt;
use tokio::sync::Mutex;

use crate::place::Place;
use crate::place::after::{After, Answered};

/// A parked task, of which its writer says more whenever somebody else has read its head.
#[derive(Clone)]
struct Restless {
    store: Arc<DynamoDbStore>,
    model: Arc<Mutex<TaskModel>>,
    table: Table,
    /// Whether what a commit supersedes is gone at once.
    tears_down: bool,
}

#[derive(Clone)]
struct Table {
    client: Client,
    name: String,
}

impl Restless {
    async fn park(place: &Place, tears_down: bool) -> Self {
        let store = Arc::new(place.store(|config| config).await);
        let mut model = TaskModel::new("t").begin(&*store).await;
        let asks = status(&model.task, TaskState::InputRequired, at(1));
        model.tell(&*store, vec![asks]).await;
        let table = Table { client: place.client().await, name: place.table.clone() };
        Restless { store, model: Arc::new(Mutex::new(model)), table, tears_down }
    }

    /// A reader that this disturbs.
    async fn reader(&self, place: &Place) -> DynamoDbStore {
        let task = self.clone();
        let disturbs = After::new(move |answered| {
            let task = task.clone();
            async move {
                if answered == Answered::Get {
                    task.say_more().await;
                }
            }
            .boxed()
        });
        let client = place.client_with(|builder| builder.interceptor(disturbs)).await;
        DynamoDbStore::with_client(client, &place.table)
    }

    async fn say_more(&self) {
        let mut model = self.model.lock().await;
        let superseded = if self.tears_down { self.table.parts().await } else { Vec::new() };
        let id = model.version.to_string();
        let said = message(&model.task, &id, vec![Part::text("still waiting")]);
        model.tell(&*self.store, vec![said]).await;
        self.table.remove(&superseded).await;
    }

    async fn assert_is_right(&self, store: &DynamoDbStore) {
        let model = self.model.lock().await;
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
    }
}

impl Table {
    /// The sort keys of the parts of all snapshots, oldest first, and when they expire.
    async fn parts(&self) -> Vec<(String, Option<i64>)> {
        let query = self.client.query().table_name(&self.name);
        let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :s)");
        let query = query.expression_attribute_values(":pk", AttributeValue::S("T##t".into()));
        let found = query.expression_attribute_values(":s", AttributeValue::S("S#".into())).send().await;
        let parts = found.unwrap().items.unwrap_or_default().into_iter().map(|item| {
            let expires = item.get("x").map(|x| x.as_n().unwrap().parse().unwrap());
            (item["sk"].as_s().unwrap().clone(), expires)
        });
        parts.collect()
    }

    async fn remove(&self, parts: &[(String, Option<i64>)]) {
        for (sort, _) in parts {
            let delete = self.client.delete_item().table_name(&self.name);
            let delete = delete.key("pk", AttributeValue::S("T##t".into()));
            delete.key("sk", AttributeValue::S(sort.clone())).send().await.unwrap();
        }
    }
}

#[test]
fn a_reader_is_done_however_often_snapshots_are_superseded_meanwhile() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let task = Restless::park(place, false).await;
        let reader = task.reader(place).await;
        for _ in 0..5 {
            let before = task.model.lock().await.clone();
            let seen = reader.load(&before.key).await.unwrap().unwrap();
            assert!(seen.version >= before.version, "from {} back to {}", before.version, seen.version);
            assert_eq!(seen.task.history.map_or(0, |said| said.len() as u64), seen.version.get() - 2);
        }
        task.assert_is_right(&task.store).await;
    });
}

#[test]
fn a_superseded_snapshot_expires_soon_and_the_last_of_a_parked_task_with_it() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let task = Restless::park(place, false).await;
        for _ in 0..3 {
            task.say_more().await;
        }
        let parts = task.table.parts().await;
        let (last, superseded) = parts.split_last().unwrap();
        let now = SystemEnv.now().timestamp();
        // The task may wait for 90 days, and be gone on with in its last moment.
        let day = 24 * 3600;
        let expires = last.1.unwrap();
        assert!((now + 119 * day..=now + 120 * day).contains(&expires), "{parts:?}");
        assert_eq!(superseded.len(), 3, "{parts:?}");
        let soon = now + 600..=now + 3600;
        assert!(superseded.iter().all(|(_, expires)| soon.contains(&expires.unwrap())), "{parts:?}");
        task.table.remove(superseded).await;
        task.assert_is_right(&task.store).await;
    });
}

#[test]
fn a_task_that_changes_whenever_it_is_read_is_unavailable_and_one_that_lacks_a_part_is_corrupt() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let task = Restless::park(place, true).await;
        let key = task.model.lock().await.key.clone();
        let refused = task.reader(place).await.load(&key).await;
        assert!(matches!(refused, Err(BackendError::Unavailable(_))), "{refused:?}");
        task.assert_is_right(&task.store).await;

        task.table.remove(&task.table.parts().await).await;
        let refused = task.store.load(&key).await;
        assert!(matches!(refused, Err(BackendError::Corrupt { .. })), "{refused:?}");
    });
}
