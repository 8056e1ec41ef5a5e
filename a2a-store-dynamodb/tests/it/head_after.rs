//! The head that follows its entry: what holds where a writer dies between the two, and where its head comes late.

use std::collections::HashMap;
use std::time::Duration;

use a2a::{Part, TaskState};
use a2a_core::{BackendError, ClaimChange, Membership, Outcome, TaskQuery, TaskStore, Tenant, Version};
use a2a_store_dynamodb::{DynamoDbConfig, DynamoDbStore};
use a2a_testkit::sample::{Draft, TaskModel, at, chunk, claim, instance, noise, status};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::place::Place;
use crate::place::meter::Meter;
use crate::place::refusals::{Refusals, Single};

/// A handle whose heads do not follow their entries, until that is over.
async fn headless(place: &Place) -> (DynamoDbStore, Refusals) {
    let refusals = Refusals::of(|write| write == Single::Update("H"));
    let client = place.client_with(|builder| builder.interceptor(refusals.clone())).await;
    let config = DynamoDbConfig::default().attempts(1);
    (DynamoDbStore::with_client(client, &place.table).with_config(config), refusals)
}

/// A handle that looks soon after heads that are behind their logs.
async fn keeper(place: &Place) -> DynamoDbStore {
    place.store(|config| config.status_lag(Duration::ZERO)).await
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
            assert!(matches!(told, Err(BackendError::Indeterminate(_))), "it is to be sent again: {told:?}");
            model.accept(&draft);

            let keeper = keeper(place).await;
            let loaded = keeper.load(&model.key).await.unwrap().unwrap();
            assert_eq!((&loaded.task, loaded.version), (&model.task, model.version));
            assert_eq!(
                keeper.executing(&me, None).await.unwrap().tasks,
                [model.key.clone()],
                "it may come yet"
            );
            eventually(model.head(), async || keeper.head(&model.key).await.unwrap()).await;
            assert_eq!(keeper.executing(&me, None).await.unwrap().tasks, []);
            assert_eq!(keeper.list(&of(state)).await.unwrap().tasks.len(), 1);
            assert_eq!(keeper.load(&model.key).await.unwrap(), model.stored());
        }
    });
}

#[test]
fn a_commit_that_is_sent_again_writes_the_head_that_is_missing() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        for (id, has_looked) in [("remembered", false), ("read meanwhile", true)] {
            let (writer, refusals) = headless(place).await;
            let meter = Meter::default();
            let client = writer.client().config().to_builder().interceptor(meter.clone());
            let client = Client::from_conf(client.build());
            let config = DynamoDbConfig::default().attempts(1);
            let writer = DynamoDbStore::with_client(client, &place.table).with_config(config);
            let mut model = TaskModel::new(id).begin(&writer).await;
            let draft = model.draft(vec![status(&model.task, TaskState::Completed, at(1))]);
            assert!(writer.commit(&model.key, draft.commit()).await.is_err());
            if has_looked {
                // What it knew of the log is of the next version now.
                writer.load(&model.key).await.unwrap();
            }
            refusals.end();
            meter.take();
            let again = writer.commit(&model.key, draft.commit()).await.unwrap();
            assert_eq!(again, Outcome::Applied(draft.next()));
            // Above all no transaction: a table that throttles cancels it for its full price.
            let sent = meter.take().requests;
            assert_eq!(
                sent,
                [("Query", 1), ("UpdateItem", 1)].into(),
                "{id}: the head, and a look for configs"
            );
            model.accept(&draft);
            assert_eq!(writer.head(&model.key).await.unwrap(), model.head());
            assert_eq!(writer.commit(&model.key, draft.commit()).await.unwrap(), again);
            assert_eq!(writer.load(&model.key).await.unwrap(), model.stored());
        }
        assert_eq!(keeper(place).await.list(&of(TaskState::Completed)).await.unwrap().tasks.len(), 2);
    });
}

#[test]
fn a_commit_that_is_sent_again_after_its_task_was_deleted_leaves_nothing_and_harms_no_later_life() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        for is_created_anew in [false, true] {
            let (writer, refusals) = headless(place).await;
            let model = TaskModel::new("t").begin(&writer).await;
            let draft = model.draft(vec![status(&model.task, TaskState::Completed, at(1))]);
            assert!(writer.commit(&model.key, draft.commit()).await.is_err());
            let other = place.store(|config| config).await;
            assert!(other.delete(&model.key).await.unwrap());
            let life = match is_created_anew {
                true => Some(TaskModel::new("t").by("ann").begin(&other).await),
                false => None,
            };
            let before = place.items().await;
            refusals.end();
            let told = writer.commit(&model.key, draft.commit()).await.unwrap();
            let actual = life.as_ref().map_or(Version::ABSENT, |life| life.version);
            assert_eq!(told, Outcome::Conflict { actual });
            assert_eq!(place.items().await, before);
            assert_eq!(other.load(&model.key).await.unwrap(), life.and_then(|life| life.stored()));
            other.delete(&model.key).await.unwrap();
        }
    });
}

/// The end of a turn is in the log and not in the head; somebody else cancels, and dies where one can; then the head of the
/// end arrives.
#[test]
fn a_head_that_comes_late_hides_nothing_that_came_after_it() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        for has_loaded in [true, false] {
            let (writer, refusals) = headless(place).await;
            let mut model = TaskModel::new(&format!("{has_loaded}")).begin(&writer).await;
            let asks = model.draft(vec![status(&model.task, TaskState::InputRequired, at(1))]);
            assert!(writer.commit(&model.key, asks.commit()).await.is_err());
            model.accept(&asks);

            let (other, _) = headless(place).await;
            if has_loaded {
                other.load(&model.key).await.unwrap();
            }
            model.tell(&other, vec![status(&model.task, TaskState::Canceled, at(2))]).await;
            // The head of the end is on its way yet.
            assert_eq!(refusals.arrive_late(&place.client().await).await, 0);
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
            for its_writer_dies in [false, true] {
                let (writer, refusals) = without_snapshots(place).await;
                let me = instance();
                let mut model = TaskModel::new(&format!("{state:?}"));
                let created = vec![a2a::StreamResponse::Task(model.task.clone())];
                model.tell_with(&writer, created, claim(me)).await;
                let large: String =
                    (0..40_000_u32).map(|n| char::from(b'a' + (n.wrapping_mul(n) % 23) as u8)).collect();
                let piece = chunk(&model.task, "a", vec![Part::text(large)], false);
                let end = status(&model.task, state.clone(), at(1));
                model.tell_with(&writer, vec![piece, end], ClaimChange::End).await;
                assert_eq!(writer.head(&model.key).await.unwrap(), model.head());

                if its_writer_dies {
                    drop(writer);
                    // Whoever looks after anything of its own looks after this as well, and reads nothing else.
                    let survivor = keeper(place).await;
                    assert_eq!(survivor.executing(&instance(), None).await.unwrap().tasks, []);
                    has_snapshot(place, &model).await;
                } else {
                    refusals.end();
                    has_snapshot(place, &model).await;
                }
                let reader = place.store(|config| config).await;
                assert_eq!(reader.load(&model.key).await.unwrap(), model.stored());
                reader.delete(&model.key).await.unwrap();
            }
        }
    });
}

/// While webhooks lack something the claim stays beyond the end of the turn, and then its writer is gone.
#[test]
fn a_turn_that_keeps_its_claim_beyond_its_end_is_looked_after_once_that_is_released() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        for is_claimed in [true, false] {
            let (writer, _) = without_snapshots(place).await;
            let mut model = TaskModel::new(&format!("{is_claimed}"));
            let created = vec![a2a::StreamResponse::Task(model.task.clone())];
            let change = if is_claimed { claim(instance()) } else { ClaimChange::Keep };
            model.tell_with(&writer, created, change).await;
            let piece = chunk(&model.task, "a", vec![Part::text(noise(3, 40_000))], false);
            let end = status(&model.task, TaskState::Completed, at(1));
            model.tell(&writer, vec![piece, end]).await;
            let claimed = writer.head(&model.key).await.unwrap().unwrap().claim;
            assert_eq!(claimed.is_some(), is_claimed);
            if let Some(claim) = claimed {
                writer.release(&model.key, &claim).await.unwrap();
                model.released(&claim);
            }
            assert_eq!(writer.head(&model.key).await.unwrap(), model.head());
            drop(writer);
            let survivor = keeper(place).await;
            assert_eq!(survivor.executing(&instance(), None).await.unwrap().tasks, []);
            has_snapshot(place, &model).await;
            assert_eq!(survivor.load(&model.key).await.unwrap(), model.stored());
            survivor.delete(&model.key).await.unwrap();
        }
    });
}

/// A handle that cannot write snapshots beside the head, until that is over.
async fn without_snapshots(place: &Place) -> (DynamoDbStore, Refusals) {
    let refusals = Refusals::of(|write| matches!(write, Single::Put(sort) if sort.starts_with("S#")));
    let client = place.client_with(|builder| builder.interceptor(refusals.clone())).await;
    let config = DynamoDbConfig::default().attempts(1).status_lag(Duration::ZERO);
    (DynamoDbStore::with_client(client, &place.table).with_config(config), refusals)
}

/// Waits until a task's head points to a snapshot of its last version, and nobody's index has the task any more.
async fn has_snapshot(place: &Place, model: &TaskModel) {
    let prefix = format!("S#{:020}#", model.version.get());
    let points_to_it = |item: &HashMap<String, AttributeValue>| {
        item.get("ss").is_some_and(|location| location.as_s().unwrap().starts_with(&prefix))
    };
    eventually(true, async || {
        let items = place.items().await;
        items.iter().any(|item| points_to_it(item) && !item.contains_key("ex"))
            && items.iter().any(|item| item["sk"].as_s().unwrap().starts_with(&prefix))
    })
    .await;
}

/// Waits for an answer.
async fn eventually<T: PartialEq + std::fmt::Debug>(expected: T, ask: impl AsyncFn() -> T) {
    for _ in 0..2_400 {
        if ask().await == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(ask().await, expected);
}
