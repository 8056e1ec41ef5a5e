//! Deletion: what is left of a task, and what a writer meets that has not heard of it.

use std::collections::HashMap;

use a2a::{Part, StreamResponse, TaskState};
use a2a_core::{Outcome, TaskStore, Version};
use a2a_testkit::sample::{Draft, TaskModel, at, chunk, claim, commit_id, instance, message, noise, status};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::place::Place;
use crate::place::stream::Stream;

#[test]
fn a_deleted_task_leaves_a_mark_and_a_fence_that_expire() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config).await;
        let mut stream = Stream::begin(&store, "t").await;
        stream.chunks(300, 120, 1).await;
        stream.chunks(4, 700_000, 1).await;
        stream.status(TaskState::InputRequired).await;
        for _ in 0..3 {
            store.watch(&stream.key, &instance()).await.unwrap().unwrap();
        }
        assert!(store.delete(&stream.key).await.unwrap());
        assert!(!store.delete(&stream.key).await.unwrap());
        assert_eq!(store.watch(&stream.key, &instance()).await.unwrap(), None);
        assert_mark_and_fence(place, stream.tip.version.next()).await;
    });
}

type Item = HashMap<String, AttributeValue>;

/// Nothing is left but a mark, and a fence at this version.
async fn assert_mark_and_fence(place: &Place, version: Version) {
    let left = place.items().await;
    let names: Vec<&str> = left.iter().map(|item| item["sk"].as_s().unwrap().as_str()).collect();
    assert_eq!(names, [&format!("C#{:020}", version.get()), "H"]);
    assert!(left.iter().all(|item| item.contains_key("x") && item.len() <= 7), "{left:?}");
}

/// The one commit of a task that is answered at once.
fn at_once(model: &TaskModel) -> Draft {
    let end = status(&model.task, TaskState::Completed, at(1));
    model.draft(vec![StreamResponse::Task(model.task.clone()), end])
}

#[test]
fn a_deleted_task_of_one_commit_leaves_its_fence_where_the_next_commit_would_go() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut model = TaskModel::new("t");
        let whole = at_once(&model);
        assert_eq!(whole.send(&store, &model.key).await, Outcome::Applied(Version::new(1)));
        model.accept(&whole);
        let life = place.items().await[0]["g"].clone();
        let late = Draft { change: claim(instance()), ..model.draft(Vec::new()) };
        assert!(other.delete(&model.key).await.unwrap());
        assert!(!other.delete(&model.key).await.unwrap());
        assert_mark_and_fence(place, Version::new(2)).await;

        // A commit that was under way meanwhile, from before its writer could hear of anything.
        let entry = [("pk", "T##t"), ("sk", &format!("C#{:020}", 2))];
        let entry: Item = entry.map(|(name, text)| (name.into(), AttributeValue::S(text.into()))).into();
        let put = place.client().await.put_item().table_name(&place.table).set_item(Some(entry));
        let put = put.condition_expression("attribute_not_exists(pk) OR g < :g");
        let lost = put.expression_attribute_values(":g", life).send().await.unwrap_err();
        assert!(lost.into_service_error().is_conditional_check_failed_exception());
        assert_eq!(late.send(&store, &model.key).await, Outcome::Conflict { actual: Version::ABSENT });
        assert_eq!(store.load(&model.key).await.unwrap(), None);
    });
}

#[test]
fn of_a_task_whose_creation_was_repeated_no_more_is_left_than_of_any_other() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let model = TaskModel::new("t");
        let parts = vec![Part::text(noise(1, 700_000))];
        let birth = model.draft(vec![
            StreamResponse::Task(model.task.clone()),
            chunk(&model.task, "large", parts, false),
            status(&model.task, TaskState::InputRequired, at(1)),
        ]);
        for handle in [&store, &other, &store] {
            assert_eq!(birth.send(handle, &model.key).await, Outcome::Applied(Version::new(1)));
        }
        assert!(other.delete(&model.key).await.unwrap());
        assert_mark_and_fence(place, Version::new(2)).await;
    });
}

#[test]
fn a_creation_repeated_after_the_deletion_is_told_that_it_was_applied_and_creates_nothing() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let model = TaskModel::new("t");
        let whole = at_once(&model);
        assert_eq!(whole.send(&store, &model.key).await, Outcome::Applied(Version::new(1)));
        assert!(other.delete(&model.key).await.unwrap());
        assert_eq!(whole.send(&store, &model.key).await, Outcome::Applied(Version::new(1)));
        assert_eq!(store.load(&model.key).await.unwrap(), None);

        let anew = Draft { id: commit_id(), ..whole };
        assert_eq!(anew.send(&store, &model.key).await, Outcome::Applied(Version::new(1)));
        assert!(store.load(&model.key).await.unwrap().is_some());
    });
}

#[test]
fn a_fence_lies_behind_the_log_of_its_own_life_however_far_an_earlier_one_got() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config).await;
        let mut first = TaskModel::new("t").begin(&store).await;
        for n in 0..5 {
            first.tell(&store, vec![message(&first.task, &n.to_string(), vec![Part::text("old")])]).await;
        }
        assert!(store.delete(&first.key).await.unwrap());
        let second = TaskModel::new("t").begin(&store).await;
        assert!(store.delete(&second.key).await.unwrap());
        let left = place.items().await;
        let life = &left.iter().find(|item| item["sk"].as_s().unwrap() == "H").unwrap()["g"];
        let fence = left.iter().find(|item| item["sk"].as_s().unwrap() == &format!("C#{:020}", 2));
        assert_eq!(fence.map(|fence| &fence["g"]), Some(life), "{left:?}");
    });
}

#[test]
fn a_writer_that_has_not_heard_of_the_deletion_conflicts() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut model = TaskModel::new("t").begin(&store).await;
        model.tell(&store, vec![message(&model.task, "m", vec![Part::text("one")])]).await;
        assert!(other.delete(&model.key).await.unwrap());

        let chunk = model.draft(vec![message(&model.task, "n", vec![Part::text("two")])]);
        let change = model.draft(vec![status(&model.task, TaskState::Completed, at(1))]);
        for draft in [chunk, change] {
            let outcome = draft.send(&store, &model.key).await;
            assert_eq!(outcome, Outcome::Conflict { actual: Version::ABSENT });
            assert_eq!(store.load(&model.key).await.unwrap(), None);
        }
    });
}

#[test]
fn a_later_life_of_a_task_is_not_disturbed_by_writers_of_the_earlier_one() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut first = TaskModel::new("t").by("ann").begin(&store).await;
        for n in 0..5 {
            first.tell(&store, vec![message(&first.task, &n.to_string(), vec![Part::text("old")])]).await;
        }
        let late = first.draft(vec![message(&first.task, "late", vec![Part::text("old")])]);
        assert!(other.delete(&first.key).await.unwrap());
        let mut second = TaskModel::new("t").by("bob").begin(&other).await;
        for n in 0..10 {
            // At the very version that it expects a commit is right, whoever sends it.
            if second.version != late.after.version {
                let outcome = late.send(&store, &first.key).await;
                assert_eq!(outcome, Outcome::Conflict { actual: second.version });
            }
            second.tell(&other, vec![message(&second.task, &n.to_string(), vec![Part::text("new")])]).await;
            assert_eq!(store.load(&second.key).await.unwrap(), second.stored());
        }
        // A handle that remembers the earlier life at the same version learns better.
        let twin = a2a_testkit::sample::Draft { id: commit_id(), ..second.draft(vec![]) };
        assert_eq!(twin.send(&store, &second.key).await, Outcome::Applied(second.version.next()));
    });
}

/// Its writer had no answer, and sends it again after somebody has deleted the task.
#[test]
fn a_first_commit_that_is_sent_again_after_a_deletion_creates_nothing() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config).await;
        for bytes in [10, 3_000, 400_000] {
            let model = TaskModel::new(&format!("{bytes}"));
            let created = StreamResponse::Task(model.task.clone());
            let piece = chunk(&model.task, "a", vec![Part::text(noise(7, bytes))], false);
            let draft = Draft { change: claim(instance()), ..model.draft(vec![created, piece]) };
            let applied = draft.send(&store, &model.key).await;
            assert_eq!(applied, Outcome::Applied(Version::new(1)));
            assert!(store.delete(&model.key).await.unwrap());
            let before = place.items().await;
            assert_eq!(draft.send(&store, &model.key).await, applied, "as it was");
            assert_eq!(store.load(&model.key).await.unwrap(), None);
            assert_eq!(place.items().await.len(), before.len(), "of {bytes} bytes");
        }
    });
}
