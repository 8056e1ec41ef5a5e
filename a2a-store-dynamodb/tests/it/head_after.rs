//! The head that follows its entry: what holds where a writer dies between the two, and where its head comes late.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use a2a::{Part, TaskState};
use a2a_core::{ClaimChange, Env, Membership, Outcome, SystemEnv, TaskQuery, TaskStore, Tenant};
use a2a_store_dynamodb::{DynamoDbConfig, DynamoDbStore};
use a2a_testkit::sample::{Draft, TaskModel, at, chunk, claim, instance, status};
use chrono::{DateTime, TimeDelta, Utc};

use crate::place::Place;
use crate::place::refusals::{Refusals, Single};

/// A clock that is ahead of the writer's.
#[derive(Debug, Default)]
struct Clock(AtomicI64);

impl Env for Clock {
    fn now(&self) -> DateTime<Utc> {
        SystemEnv.now() + TimeDelta::seconds(self.0.load(Ordering::SeqCst))
    }

    fn uuid(&self) -> uuid::Uuid {
        SystemEnv.uuid()
    }

    fn chance(&self) -> f64 {
        0.5
    }

    fn secret(&self) -> [u8; 32] {
        SystemEnv.secret()
    }
}

/// A handle whose heads do not follow their entries, until that is over.
async fn headless(place: &Place) -> (DynamoDbStore, Refusals) {
    let refusals = Refusals::of(|write| write == Single::Update("H"));
    let client = place.client_with(|builder| builder.interceptor(refusals.clone())).await;
    let config = DynamoDbConfig::default().attempts(1);
    (DynamoDbStore::with_client(client, &place.table).with_config(config), refusals)
}

/// A handle that comes so much later.
async fn later(place: &Place, seconds: i64) -> DynamoDbStore {
    let clock = Clock::default();
    clock.0.store(seconds, Ordering::SeqCst);
    place.store(move |config| config.env(Arc::new(clock))).await
}

fn of(state: TaskState) -> TaskQuery {
    TaskQuery { state: Some(state), ..TaskQuery::new(Tenant::default(), None, 10) }
}

#[test]
fn a_turn_whose_head_is_missing_has_ended_for_every_reader_and_whoever_looks_later_makes_up_for_it() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        for state in [TaskState::Completed, TaskState::InputRequired] {
            let (writer, _) = headless(place).await;
            let me = instance();
            let mut model = TaskModel::new(&format!("{state:?}"));
            let created = vec![a2a::StreamResponse::Task(model.task.clone())];
            model.tell_with(&writer, created, claim(me)).await;
            let piece = chunk(&model.task, "a", vec![Part::text("x")], false);
            let end = status(&model.task, state.clone(), at(1));
            let draft = Draft { change: ClaimChange::End, ..model.draft(vec![piece, end]) };
            let told = writer.commit(&model.key, draft.commit()).await;
            assert!(told.is_err(), "whoever commits learns that it is to try again: {told:?}");
            model.accept(&draft);

            let soon = place.store(|config| config).await;
            let loaded = soon.load(&model.key).await.unwrap();
            assert_eq!(loaded, model.stored_as(loaded.as_ref()));
            assert_eq!(
                soon.executing(&me, None).await.unwrap().tasks,
                [model.key.clone()],
                "it may be written yet"
            );

            let later = later(place, 60).await;
            let loaded = later.load(&model.key).await.unwrap();
            assert_eq!(loaded, model.stored_as(loaded.as_ref()));
            assert_eq!(later.head(&model.key).await.unwrap(), model.head());
            assert_eq!(later.executing(&me, None).await.unwrap().tasks, []);
            assert_eq!(later.list(&of(state)).await.unwrap().tasks.len(), 1);
            assert_eq!(later.load(&model.key).await.unwrap(), model.stored());
        }
    });
}

#[test]
fn a_commit_that_is_sent_again_writes_the_head_that_is_missing() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (writer, refusals) = headless(place).await;
        let mut model = TaskModel::new("t").begin(&writer).await;
        let draft = model.draft(vec![status(&model.task, TaskState::Completed, at(1))]);
        assert!(writer.commit(&model.key, draft.commit()).await.is_err());
        refusals.end();
        let again = writer.commit(&model.key, draft.commit()).await.unwrap();
        assert_eq!(again, Outcome::Applied(draft.next()));
        assert_eq!(writer.commit(&model.key, draft.commit()).await.unwrap(), again);
        model.accept(&draft);
        assert_eq!(writer.load(&model.key).await.unwrap(), model.stored());
        assert_eq!(writer.list(&of(TaskState::Completed)).await.unwrap().tasks, [model.task]);
    });
}

/// The end of a turn is in the log and not in the head; somebody else cancels; then the head of the end arrives.
#[test]
fn a_head_that_comes_late_hides_nothing_that_came_after_it() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        for has_loaded in [true, false] {
            let (writer, refusals) = headless(place).await;
            let mut model = TaskModel::new(&format!("{has_loaded}")).begin(&writer).await;
            let asks = model.draft(vec![status(&model.task, TaskState::InputRequired, at(1))]);
            assert!(writer.commit(&model.key, asks.commit()).await.is_err());
            model.accept(&asks);

            let other = place.store(|config| config).await;
            if has_loaded {
                other.load(&model.key).await.unwrap();
            }
            model.tell(&other, vec![status(&model.task, TaskState::Canceled, at(2))]).await;
            refusals.end();
            // Its version is taken, and it was the one that took it.
            assert_eq!(
                writer.commit(&model.key, asks.commit()).await.unwrap(),
                Outcome::Applied(asks.next())
            );
            for reader in [&other, &place.store(|config| config).await] {
                assert_eq!(reader.load(&model.key).await.unwrap(), model.stored());
                assert_eq!(reader.head(&model.key).await.unwrap(), model.head());
            }
        }
    });
}

#[test]
fn a_turn_ends_also_where_its_snapshot_cannot_be_written_and_gets_one_later() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        for state in [TaskState::Completed, TaskState::InputRequired] {
            let refusals = Refusals::of(|write| matches!(write, Single::Put(sort) if sort.starts_with("S#")));
            let client = place.client_with(|builder| builder.interceptor(refusals.clone())).await;
            let config = DynamoDbConfig::default().attempts(1);
            let writer = DynamoDbStore::with_client(client, &place.table).with_config(config);
            let mut model = TaskModel::new(&format!("{state:?}")).begin(&writer).await;
            let large: String =
                (0..40_000_u32).map(|n| char::from(b'a' + (n.wrapping_mul(n) % 23) as u8)).collect();
            let piece = chunk(&model.task, "a", vec![Part::text(large)], false);
            let end = status(&model.task, state, at(1));
            model.tell(&writer, vec![piece, end]).await;
            assert_eq!(writer.load(&model.key).await.unwrap(), model.stored());
            refusals.end();
            let later = later(place, 60).await;
            assert_eq!(later.load(&model.key).await.unwrap(), model.stored());
            let snapshots = place.items().await;
            let of_task =
                |item: &&std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>| {
                    item["pk"].as_s().unwrap().ends_with(&model.key.task_id)
                        && item["sk"].as_s().unwrap().starts_with("S#")
                };
            assert!(snapshots.iter().any(|item| of_task(&item)));
            assert_eq!(later.load(&model.key).await.unwrap(), model.stored());
        }
    });
}
