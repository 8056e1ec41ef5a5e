//! Deletion: what is left of a task, and what a writer meets that has not heard of it.

mod place;

use a2a::{Part, TaskState};
use a2a_core::{Outcome, TaskStore, Version};
use a2a_testkit::sample::{Story, at, commit_id, message, status};
use place::Place;
use place::stream::Stream;

#[test]
fn a_deleted_task_leaves_a_mark_and_a_fence_that_expire() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config).await;
        let mut stream = Stream::begin(&store, "t").await;
        stream.chunks(300, 120, 1).await;
        stream.chunks(4, 700_000, 1).await;
        stream.status(TaskState::InputRequired).await;
        assert!(store.delete(&stream.key).await.unwrap());
        assert!(!store.delete(&stream.key).await.unwrap());
        let left = place.client().await.scan().table_name(&place.table).send().await.unwrap();
        let names: Vec<&str> = left.items().iter().map(|item| item["sk"].as_s().unwrap().as_str()).collect();
        assert_eq!(names, [&format!("C#{:020}", stream.version.next().get()), "H"]);
        assert!(left.items().iter().all(|item| item.contains_key("x") && item.len() <= 5));
    });
}

#[test]
fn a_writer_that_has_not_heard_of_the_deletion_conflicts() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut story = Story::new("t").begin(&store).await;
        story.tell(&store, vec![message(&story.task, "m", vec![Part::text("one")])]).await;
        assert!(other.delete(&story.key).await.unwrap());

        let chunk = story.draft(vec![message(&story.task, "n", vec![Part::text("two")])]);
        let change = story.draft(vec![status(&story.task, TaskState::Completed, at(1))]);
        for draft in [chunk, change] {
            let outcome = draft.send(&store, &story.key).await;
            assert_eq!(outcome, Outcome::Conflict { actual: Version::ABSENT });
            assert_eq!(store.load(&story.key).await.unwrap(), None);
        }
    });
}

#[test]
fn a_later_life_of_a_task_is_not_disturbed_by_writers_of_the_earlier_one() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, other) = (place.store(|config| config).await, place.store(|config| config).await);
        let mut first = Story::new("t").by("ann").begin(&store).await;
        for n in 0..5 {
            first.tell(&store, vec![message(&first.task, &n.to_string(), vec![Part::text("old")])]).await;
        }
        let late = first.draft(vec![message(&first.task, "late", vec![Part::text("old")])]);
        assert!(other.delete(&first.key).await.unwrap());
        let mut second = Story::new("t").by("bob").begin(&other).await;
        for n in 0..10 {
            // At the very version that it expects a commit is right, whoever sends it.
            if second.version != late.expected {
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
