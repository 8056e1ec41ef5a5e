//! A task of one commit: one item where others are several, and the same to every reader and writer.

use std::collections::HashMap;

use a2a::{Part, StreamResponse, TaskState};
use a2a_core::{ClaimChange, Membership, Outcome, Replay, TaskQuery, TaskStore, Tenant, Version};
use a2a_store_dynamodb::DynamoDbStore;
use a2a_testkit::sample::{Draft, TaskModel, at, chunk, commit_id, instance, message, status};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::place::Place;

type Item = HashMap<String, AttributeValue>;

/// The one commit of a task that is answered at once.
fn at_once(model: &TaskModel) -> Draft {
    model.draft(vec![
        StreamResponse::Task(model.task.clone()),
        status(&model.task, TaskState::Working, at(1)),
        chunk(&model.task, "answer", vec![Part::text("42")], false),
        status(&model.task, TaskState::Completed, at(2)),
    ])
}

async fn finish(store: &DynamoDbStore, id: &str) -> TaskModel {
    let mut model = TaskModel::new(id).by("ann");
    let draft = at_once(&model);
    assert_eq!(draft.send(store, &model.key).await, Outcome::Applied(Version::new(1)));
    model.accept(&draft);
    model
}

async fn put(place: &Place, item: Item) {
    place.client().await.put_item().table_name(&place.table).set_item(Some(item)).send().await.unwrap();
}

/// Every way to read the task finds it as the model tells it.
async fn assert_read(store: &DynamoDbStore, model: &TaskModel) {
    assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
    assert_eq!(store.head(&model.key).await.unwrap(), model.head());
    let mut log = Vec::new();
    while log.len() < model.log.len() {
        let after = Version::new(log.len() as u64);
        let Replay::Commits(commits) = store.commits_after(&model.key, after).await.unwrap() else {
            panic!("commits of {after} that are kept were not returned");
        };
        assert!(!commits.is_empty(), "nothing follows {after}");
        log.extend(commits);
    }
    assert_eq!(log, model.log);
    let end = store.commits_after(&model.key, model.version).await.unwrap();
    assert_eq!(end, Replay::Commits(Vec::new()));
    for artifacts in [true, false] {
        let mut query = TaskQuery::new(Tenant::default(), model.principal.clone(), 5);
        query.artifacts = artifacts;
        let mut listed = model.task.clone();
        query.trim(&mut listed);
        assert_eq!(store.list(&query).await.unwrap().tasks, [listed]);
    }
}

#[test]
fn a_task_of_one_commit_is_one_item_for_every_reader() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let model = finish(&store, "t").await;
        let items = place.items().await;
        assert_eq!(items.len(), 1, "{items:?}");
        assert_read(&other, &model).await;
    });
}

#[test]
fn a_task_of_one_commit_may_change_hands_and_needs_no_snapshot_for_it() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut model = finish(&store, "t").await;
        let late = model.draft(Vec::new());
        for attempt in 1..4 {
            let claim = ClaimChange::Make { instance: instance(), attempt };
            model.tell_with(&other, Vec::new(), claim).await;
            assert_read(&store, &model).await;
        }
        let outcome = late.send(&store, &model.key).await;
        assert_eq!(outcome, Outcome::Conflict { actual: model.version });
        let executor = model.claim.unwrap().instance;
        assert_eq!(store.executing(&executor, None).await.unwrap().tasks, [model.key.clone()]);
        model.tell_with(&store, Vec::new(), ClaimChange::End).await;
        assert_read(&other, &model).await;
        assert_eq!(place.items().await.len(), 5, "the head and four commits without events");
    });
}

#[test]
fn what_is_said_after_the_end_is_in_the_log_and_in_the_task() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut model = finish(&store, "t").await;
        model.tell(&other, vec![message(&model.task, "m", vec![Part::text("thanks")])]).await;
        assert_read(&store, &model).await;
        model.tell(&store, Vec::new()).await;
        assert_read(&other, &model).await;
    });
}

/// No agent of ours says more after the end; where one does, the task stays as it ended.
#[test]
fn a_status_after_the_end_is_in_the_log_and_changes_nothing() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut model = finish(&store, "t").await;
        model.tell(&other, Vec::new()).await;
        model.tell(&other, vec![status(&model.task, TaskState::Working, at(3))]).await;
        assert_read(&store, &model).await;
        for n in 0..3 {
            model.tell(&store, vec![message(&model.task, &n.to_string(), vec![Part::text("more")])]).await;
            assert_read(&other, &model).await;
        }
        model.tell(&store, vec![status(&model.task, TaskState::Failed, at(4))]).await;
        assert_read(&other, &model).await;
    });
}

#[test]
fn a_task_of_one_commit_that_lies_beside_its_head_reads_as_well() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut model = finish(&store, "t").await;
        let mut head = place.items().await.remove(0);
        let mut entry: Item = ["pk", "g", "x"].map(|name| (name.to_owned(), head[name].clone())).into();
        entry.insert("sk".into(), AttributeValue::S(format!("C#{:020}", 1)));
        for name in ["id", "gn", "j", "d", "e", "lu", "tb"] {
            entry.extend(head.remove(name).map(|value| (name.to_owned(), value)));
        }
        put(place, head).await;
        put(place, entry).await;
        assert_read(&other, &model).await;
        assert_eq!(at_once(&TaskModel::new("t")).send(&other, &model.key).await, conflict(1));
        model.tell(&store, Vec::new()).await;
        assert_read(&other, &model).await;
        assert!(store.delete(&model.key).await.unwrap());
        assert_eq!(other.load(&model.key).await.unwrap(), None);
    });
}

fn conflict(actual: u64) -> Outcome {
    Outcome::Conflict { actual: Version::new(actual) }
}

#[test]
fn what_an_earlier_life_has_left_is_no_part_of_a_task_of_one_commit() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut earlier = TaskModel::new("t").by("bob").begin(&store).await;
        for n in 0..3 {
            earlier.tell(&store, vec![message(&earlier.task, &n.to_string(), vec![Part::text("old")])]).await;
        }
        let late = earlier.draft(vec![message(&earlier.task, "late", vec![Part::text("old")])]);
        let left: Vec<Item> = place.items().await;
        assert!(other.delete(&earlier.key).await.unwrap());
        let model = finish(&other, "t").await;
        // The deletion was cut short before it had removed the log.
        for item in left.into_iter().filter(|item| item["sk"].as_s().unwrap().starts_with("C#")) {
            put(place, item).await;
        }
        assert_read(&store, &model).await;
        assert_eq!(late.send(&store, &model.key).await, conflict(1));
        assert_eq!(Draft { id: commit_id(), ..late }.send(&other, &model.key).await, conflict(1));
        assert_eq!(at_once(&TaskModel::new("t")).send(&store, &model.key).await, conflict(1));
        assert_read(&other, &model).await;
    });
}

#[test]
fn a_longer_life_may_follow_one_of_one_commit() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let earlier = finish(&store, "t").await;
        let late = earlier.draft(Vec::new());
        assert!(other.delete(&earlier.key).await.unwrap());
        let mut model = TaskModel::new("t").by("ann").begin(&other).await;
        model.tell(&other, vec![message(&model.task, "m", vec![Part::text("new")])]).await;
        assert_eq!(late.send(&store, &model.key).await, conflict(2));
        assert_read(&store, &model).await;
        model.tell(&store, vec![status(&model.task, TaskState::Completed, at(3))]).await;
        assert_read(&other, &model).await;
    });
}
