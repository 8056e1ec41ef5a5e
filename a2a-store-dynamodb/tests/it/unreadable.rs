//! Items that cannot be understood, and reads that see a write in part: neither harms anything beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use a2a::TaskState;
use a2a_core::{
    BackendError, Beat, Env, GivenUpDelivery, Member, Membership, PushConfigs, SystemEnv, TaskQuery,
    TaskStore, Tenant, Version,
};
use a2a_store_dynamodb::DynamoDbStore;
use a2a_testkit::sample::{TaskModel, at, claim, instance, status};
use aws_sdk_dynamodb::types::AttributeValue;
use futures::FutureExt;

use crate::place::Place;
use crate::place::after::{After, Answered};

/// Puts words in the place of an attribute.
pub(crate) async fn spoil(place: &Place, pk: &str, sk: &str, attribute: &str) {
    let update = place.client().await.update_item().table_name(&place.table);
    let update = update.key("pk", AttributeValue::S(pk.into())).key("sk", AttributeValue::S(sk.into()));
    let update = update.update_expression(format!("SET {attribute} = :spoilt"));
    update.expression_attribute_values(":spoilt", AttributeValue::S("?".into())).send().await.unwrap();
}

#[test]
fn a_task_that_cannot_be_read_harms_no_list_no_take_over_and_can_be_deleted() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config).await;
        let me = instance();
        let mut keys = Vec::new();
        for id in ["a", "b", "c", "d"] {
            let mut model = TaskModel::new(id).by("ann").begin(&store).await;
            let event = status(&model.task, TaskState::Working, at(1));
            model.tell_with(&store, vec![event], claim(me)).await;
            keys.push(model.key);
        }
        // One has no head that can be read, and one no log.
        spoil(place, "T##b", "H", "hn").await;
        spoil(place, "T##c", &format!("C#{:020}", 2), "gn").await;
        for broken in &keys[1..3] {
            let read = store.load(broken).await;
            assert!(matches!(read, Err(BackendError::Corrupt { .. })), "{read:?}");
        }
        let query = TaskQuery::new(Tenant::default(), Some(a2a_core::Principal::new("ann")), 10);
        let listed = store.list(&query).await.unwrap().tasks;
        assert_eq!(listed.iter().map(|task| &*task.id).collect::<Vec<_>>(), ["d", "a"]);
        let mut executed = store.executing(&me, None).await.unwrap().tasks;
        executed.sort();
        assert_eq!(executed, keys, "whoever takes them over finds out");
        for key in &keys {
            assert!(store.delete(key).await.unwrap(), "{key:?}");
        }
        assert_eq!(store.executing(&me, None).await.unwrap().tasks, []);
    });
}

#[test]
fn a_member_and_a_record_that_cannot_be_read_hide_no_other() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config).await;
        let mut members = Vec::new();
        for _ in 0..3 {
            let member = Member::joining(instance(), None);
            assert_eq!(store.beat(&member).await.unwrap(), Beat::Alive);
            members.push(member.id);
        }
        members.sort();
        spoil(place, "I", &members[1].to_string(), "st").await;
        let found = store.roster(None, 10).await.unwrap();
        assert_eq!(found.iter().map(|member| member.id).collect::<Vec<_>>(), [members[0], members[2]]);

        let model = TaskModel::new("t").begin(&store).await;
        for config_id in ["a", "b", "c"] {
            let given_up = GivenUpDelivery {
                task: model.key.clone(),
                config_id: config_id.to_owned(),
                version: Version::new(1),
                host: "example.com".to_owned(),
                reason: "410".to_owned(),
                at: SystemEnv.now(),
            };
            store.give_up(&given_up).await.unwrap();
        }
        let records = place.items().await;
        let record =
            records.iter().find(|item| item.get("c").is_some_and(|id| id.as_s().is_ok_and(|id| id == "b")));
        spoil(place, "U", record.unwrap()["sk"].as_s().unwrap(), "v").await;
        let mut found = store.given_up(None, 10).await.unwrap();
        found.sort_by(|a, b| a.config_id.cmp(&b.config_id));
        assert_eq!(found.iter().map(|one| &*one.config_id).collect::<Vec<_>>(), ["a", "c"]);
    });
}

#[test]
fn a_reader_that_saw_a_transaction_in_part_looks_again() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config).await;
        let mut model = TaskModel::new("t").begin(&store).await;
        let event = status(&model.task, TaskState::Working, at(1));
        model.tell_with(&store, vec![event], claim(instance())).await;
        let (client, table) = (place.client().await, place.table.clone());
        let entries = place.items().await;
        let entry = entries.iter().find(|item| item["sk"].as_s().unwrap() == &format!("C#{:020}", 2));
        let (entry, heads, queries) = (entry.unwrap().clone(), AtomicUsize::new(0), AtomicUsize::new(0));
        // The head of a version is there, and its entry from the second look on.
        let late = After::new(move |answered| {
            let (client, table, entry) = (client.clone(), table.clone(), entry.clone());
            let is_first = |count: &AtomicUsize| count.fetch_add(1, Ordering::SeqCst) == 0;
            let (takes, puts) = match answered {
                Answered::Get => (is_first(&heads), false),
                Answered::Query => (false, is_first(&queries)),
                Answered::Other => (false, false),
            };
            async move {
                if takes {
                    let delete = client.delete_item().table_name(&table).key("pk", entry["pk"].clone());
                    delete.key("sk", entry["sk"].clone()).send().await.unwrap();
                } else if puts {
                    client.put_item().table_name(&table).set_item(Some(entry)).send().await.unwrap();
                }
            }
            .boxed()
        });
        let client = place.client_with(|builder| builder.interceptor(late)).await;
        let reader = DynamoDbStore::with_client(client, &place.table);
        assert_eq!(reader.load(&model.key).await.unwrap(), model.stored());
    });
}

#[test]
fn a_config_that_is_saved_while_its_task_ends_or_goes_stays_no_longer_than_that() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        for is_deleted in [false, true] {
            let store = Arc::new(place.store(|config| config).await);
            let model = TaskModel::new(if is_deleted { "deleted" } else { "ended" }).begin(&*store).await;
            let (by, ended, is_first) = (Arc::clone(&store), model.clone(), AtomicUsize::new(0));
            let meanwhile = After::new(move |answered| {
                let acts = answered == Answered::Get && is_first.fetch_add(1, Ordering::SeqCst) == 0;
                let (store, mut model) = (Arc::clone(&by), ended.clone());
                async move {
                    if acts && is_deleted {
                        assert!(store.delete(&model.key).await.unwrap());
                    } else if acts {
                        let end = status(&model.task, TaskState::Completed, at(1));
                        model.tell(&*store, vec![end]).await;
                    }
                }
                .boxed()
            });
            let client = place.client_with(|builder| builder.interceptor(meanwhile)).await;
            let saver = DynamoDbStore::with_client(client, &place.table);
            saver.save_config(&model.key, &super::retention::subscription(&model.key.task_id)).await.unwrap();
            let pk = format!("T##{}", model.key.task_id);
            let items = place.items().await;
            let config = items.iter().find(|item| {
                item["pk"].as_s().unwrap() == &pk && item["sk"].as_s().unwrap().starts_with("P#")
            });
            assert_eq!(config.map(|config| config.contains_key("x")), (!is_deleted).then_some(true));
        }
    });
}
