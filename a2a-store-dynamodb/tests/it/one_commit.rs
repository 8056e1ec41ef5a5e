//! A task of one commit: one item where others are several, and the same to every reader and writer.

use std::collections::HashMap;

use a2a::{Part, StreamResponse, TaskState};
use a2a_core::{ClaimChange, Membership, Outcome, Replay, TaskQuery, TaskStore, Tenant, Version};
use a2a_store_dynamodb::DynamoDbStore;
use a2a_testkit::sample::{Draft, Story, at, chunk, commit_id, instance, message, status};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::place::Place;

type Item = HashMap<String, AttributeValue>;

/// The one commit of a task that is answered at once.
fn at_once(story: &Story) -> Draft {
    story.draft(vec![
        StreamResponse::Task(story.task.clone()),
        status(&story.task, TaskState::Working, at(1)),
        chunk(&story.task, "answer", vec![Part::text("42")], false),
        status(&story.task, TaskState::Completed, at(2)),
    ])
}

async fn finish(store: &DynamoDbStore, id: &str) -> Story {
    let mut story = Story::new(id).by("ann");
    let draft = at_once(&story);
    assert_eq!(draft.send(store, &story.key).await, Outcome::Applied(Version::new(1)));
    story.accept(&draft);
    story
}

async fn put(place: &Place, item: Item) {
    place.client().await.put_item().table_name(&place.table).set_item(Some(item)).send().await.unwrap();
}

/// Every way to read the task finds it as the story tells it.
async fn assert_read(store: &DynamoDbStore, story: &Story) {
    assert_eq!(store.load(&story.key).await.unwrap(), story.stored());
    assert_eq!(store.head(&story.key).await.unwrap(), story.head());
    let mut log = Vec::new();
    while log.len() < story.log.len() {
        let after = Version::new(log.len() as u64);
        let Replay::Commits(commits) = store.commits_after(&story.key, after).await.unwrap() else {
            panic!("commits of {after} that are kept were not returned");
        };
        assert!(!commits.is_empty(), "nothing follows {after}");
        log.extend(commits);
    }
    assert_eq!(log, story.log);
    let end = store.commits_after(&story.key, story.version).await.unwrap();
    assert_eq!(end, Replay::Commits(Vec::new()));
    for artifacts in [true, false] {
        let mut query = TaskQuery::new(Tenant::default(), story.principal.clone(), 5);
        query.artifacts = artifacts;
        let mut listed = story.task.clone();
        query.trim(&mut listed);
        assert_eq!(store.list(&query).await.unwrap().tasks, [listed]);
    }
}

#[test]
fn a_task_of_one_commit_is_one_item_for_every_reader() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let story = finish(&store, "t").await;
        let items = place.items().await;
        assert_eq!(items.len(), 1, "{items:?}");
        assert_read(&other, &story).await;
    });
}

#[test]
fn a_task_of_one_commit_may_change_hands_and_needs_no_snapshot_for_it() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut story = finish(&store, "t").await;
        let late = story.draft(Vec::new());
        for attempt in 1..4 {
            let claim = ClaimChange::Make { instance: instance(), attempt };
            story.tell_with(&other, Vec::new(), claim).await;
            assert_read(&store, &story).await;
        }
        let outcome = late.send(&store, &story.key).await;
        assert_eq!(outcome, Outcome::Conflict { actual: story.version });
        let executor = story.claim.unwrap().instance;
        assert_eq!(store.executing(&executor, None).await.unwrap().tasks, [story.key.clone()]);
        story.tell_with(&store, Vec::new(), ClaimChange::End).await;
        assert_read(&other, &story).await;
        assert_eq!(place.items().await.len(), 5, "the head and four commits without events");
    });
}

#[test]
fn what_is_said_after_the_end_is_in_the_log_and_in_the_task() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut story = finish(&store, "t").await;
        story.tell(&other, vec![message(&story.task, "m", vec![Part::text("thanks")])]).await;
        assert_read(&store, &story).await;
        story.tell(&store, Vec::new()).await;
        assert_read(&other, &story).await;
    });
}

/// No agent of ours says more after the end; where one does, the task stays as it ended.
#[test]
fn a_status_after_the_end_is_in_the_log_and_changes_nothing() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut story = finish(&store, "t").await;
        story.tell(&other, Vec::new()).await;
        story.tell(&other, vec![status(&story.task, TaskState::Working, at(3))]).await;
        assert_read(&store, &story).await;
        for n in 0..3 {
            story.tell(&store, vec![message(&story.task, &n.to_string(), vec![Part::text("more")])]).await;
            assert_read(&other, &story).await;
        }
        story.tell(&store, vec![status(&story.task, TaskState::Failed, at(4))]).await;
        assert_read(&other, &story).await;
    });
}

#[test]
fn a_task_of_one_commit_that_lies_beside_its_head_reads_as_well() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut story = finish(&store, "t").await;
        let mut head = place.items().await.remove(0);
        let mut entry: Item = ["pk", "g", "x"].map(|name| (name.to_owned(), head[name].clone())).into();
        entry.insert("sk".into(), AttributeValue::S(format!("C#{:020}", 1)));
        for name in ["id", "gn", "j", "d", "e", "lu", "tb"] {
            entry.extend(head.remove(name).map(|value| (name.to_owned(), value)));
        }
        put(place, head).await;
        put(place, entry).await;
        assert_read(&other, &story).await;
        assert_eq!(at_once(&Story::new("t")).send(&other, &story.key).await, conflict(1));
        story.tell(&store, Vec::new()).await;
        assert_read(&other, &story).await;
        assert!(store.delete(&story.key).await.unwrap());
        assert_eq!(other.load(&story.key).await.unwrap(), None);
    });
}

fn conflict(actual: u64) -> Outcome {
    Outcome::Conflict { actual: Version::new(actual) }
}

#[test]
fn what_an_earlier_life_has_left_is_no_part_of_a_task_of_one_commit() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut earlier = Story::new("t").by("bob").begin(&store).await;
        for n in 0..3 {
            earlier.tell(&store, vec![message(&earlier.task, &n.to_string(), vec![Part::text("old")])]).await;
        }
        let late = earlier.draft(vec![message(&earlier.task, "late", vec![Part::text("old")])]);
        let left: Vec<Item> = place.items().await;
        assert!(other.delete(&earlier.key).await.unwrap());
        let story = finish(&other, "t").await;
        // The deletion was cut short before it had removed the log.
        for item in left.into_iter().filter(|item| item["sk"].as_s().unwrap().starts_with("C#")) {
            put(place, item).await;
        }
        assert_read(&store, &story).await;
        assert_eq!(late.send(&store, &story.key).await, conflict(1));
        assert_eq!(Draft { id: commit_id(), ..late }.send(&other, &story.key).await, conflict(1));
        assert_eq!(at_once(&Story::new("t")).send(&store, &story.key).await, conflict(1));
        assert_read(&other, &story).await;
    });
}

#[test]
fn a_longer_life_may_follow_one_of_one_commit() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let earlier = finish(&store, "t").await;
        let late = earlier.draft(Vec::new());
        assert!(other.delete(&earlier.key).await.unwrap());
        let mut story = Story::new("t").by("ann").begin(&other).await;
        story.tell(&other, vec![message(&story.task, "m", vec![Part::text("new")])]).await;
        assert_eq!(late.send(&store, &story.key).await, conflict(2));
        assert_read(&store, &story).await;
        story.tell(&store, vec![status(&story.task, TaskState::Completed, at(3))]).await;
        assert_read(&other, &story).await;
    });
}
