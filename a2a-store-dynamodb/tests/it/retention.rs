//! What expires: never what is still needed, and at once what is not.

use std::sync::Arc;
use std::time::Duration;

use a2a::{Part, TaskState};
use a2a_core::{
    ConfigRevision, Env, GivenUpDelivery, Membership, PushConfigs, PushSubscription, Replay, SystemEnv,
    TaskQuery, TaskStore, Tenant, Version,
};
use a2a_store_dynamodb::{DynamoDbConfig, DynamoDbStore, SnapshotPolicy};
use a2a_testkit::sample::{TaskModel, at, chunk, claim, instance, message, status};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::place::clock::Clock;
use crate::place::stream::Stream;
use crate::place::{Place, raw};

const TASKS: u64 = 1_000;
const COMMITS: u64 = 100;

/// A store that keeps finished tasks and commits for some time, and its clock.
async fn open(place: &Place) -> (DynamoDbStore, Arc<Clock>) {
    let clock = Arc::new(Clock::default());
    let env = Arc::clone(&clock);
    let change = move |config: DynamoDbConfig| {
        config
            .task_retention(Some(Duration::from_secs(TASKS)))
            .commit_retention(Duration::from_secs(COMMITS))
            .env(env)
    };
    (place.store(change).await, clock)
}

/// Removes what has expired by now, as DynamoDB does. Returns how much that was.
async fn expire(place: &Place, clock: &Clock) -> usize {
    raw::sweep(&place.client().await, &place.table, clock.now().timestamp()).await
}

#[test]
fn a_finished_task_is_invisible_at_once_when_its_time_is_over() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let mut model = TaskModel::new("t").by("ann").begin(&store).await;
        store.save_config(&model.key, &subscription("t")).await.unwrap();
        let end = status(&model.task, TaskState::Completed, at(1));
        model.tell(&store, vec![end]).await;
        let query = TaskQuery::new(Tenant::default(), model.principal.clone(), 10);

        clock.forward(TASKS as i64 - 10);
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
        assert_eq!(store.list(&query).await.unwrap().total, 1);
        assert_eq!(store.list_configs(&model.key).await.unwrap().len(), 1);

        clock.forward(20);
        assert_eq!(store.load(&model.key).await.unwrap(), None);
        assert_eq!(store.head(&model.key).await.unwrap(), None);
        assert_eq!(store.watch(&model.key, &instance()).await.unwrap(), None);
        let replay = store.commits_after(&model.key, Version::ABSENT).await.unwrap();
        assert_eq!(replay, Replay::Commits(Vec::new()));
        let page = store.list(&query).await.unwrap();
        assert_eq!((page.total, page.tasks.len()), (0, 0));
        assert_eq!(store.list_configs(&model.key).await.unwrap(), Vec::new());
        assert!(!store.delete(&model.key).await.unwrap());
    });
}

#[test]
fn an_ended_task_that_changes_hands_goes_at_its_own_time_and_its_configs_with_it() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let mut model = TaskModel::new("t").begin(&store).await;
        let end = status(&model.task, TaskState::Completed, at(1));
        model.tell(&store, vec![end]).await;
        store.save_config(&model.key, &subscription("t")).await.unwrap();
        // Whoever ended it died before it could say how long its config is to stay.
        let client = place.client().await;
        let forget = client.update_item().table_name(&place.table).update_expression("REMOVE x");
        let forget = forget.key("pk", AttributeValue::S("T##t".into()));
        forget.key("sk", AttributeValue::S("P#w".into())).send().await.unwrap();
        clock.forward(TASKS as i64 / 2);
        model.tell_with(&store, Vec::new(), claim(instance())).await;
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
        clock.forward(TASKS as i64 / 2 + 2);
        expire(place, &clock).await;
        assert_eq!(store.load(&model.key).await.unwrap(), None);
        clock.forward(TASKS as i64 / 2);
        expire(place, &clock).await;
        assert_eq!(place.items().await, []);
    });
}

#[test]
fn nothing_of_an_expired_task_stays_in_the_table() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let mut stream = Stream::begin(&store, "t").await;
        stream.chunks(200, 120, 1).await;
        stream.status(TaskState::InputRequired).await;
        stream.status(TaskState::Working).await;
        stream.chunks(3, 400_000, 1).await;
        stream.status(TaskState::Completed).await;
        clock.forward(TASKS as i64 + 1);
        assert!(expire(place, &clock).await > 200);
        assert_eq!(place.items().await, []);
    });
}

#[test]
fn an_expired_task_can_be_created_anew_before_its_items_are_gone() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let mut model = TaskModel::new("t").by("ann").begin(&store).await;
        for state in [TaskState::Working, TaskState::Completed] {
            let event = status(&model.task, state, at(1));
            model.tell(&store, vec![event]).await;
        }
        clock.forward(TASKS as i64 + 1);
        let mut again = TaskModel::new("t").by("bob").begin(&store).await;
        for n in 0..5 {
            let said = message(&again.task, &n.to_string(), vec![Part::text("anew")]);
            again.tell(&store, vec![said]).await;
            assert_eq!(store.load(&again.key).await.unwrap(), again.stored());
        }
    });
}

#[test]
fn a_finished_task_outlives_its_commits() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let mut model = TaskModel::new("t").begin(&store).await;
        let end = status(&model.task, TaskState::Completed, at(1));
        model.tell(&store, vec![end]).await;
        clock.forward(COMMITS as i64 + 1);
        assert_eq!(expire(place, &clock).await, 1, "the second commit; the first is in the head");
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
        let replay = store.commits_after(&model.key, Version::ABSENT).await.unwrap();
        assert_eq!(replay, Replay::Commits(model.log[..1].to_vec()));
        let replay = store.commits_after(&model.key, Version::new(1)).await.unwrap();
        assert_eq!(replay, Replay::Snapshot(Box::new(model.stored().unwrap())));
        let replay = store.commits_after(&model.key, model.version).await.unwrap();
        assert_eq!(replay, Replay::Commits(Vec::new()));
    });
}

#[test]
fn a_task_of_one_commit_outlives_the_commits_after_it_and_goes_at_its_own_time() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let mut model = TaskModel::new("t").by("ann");
        let end = status(&model.task, TaskState::Completed, at(1));
        model.tell(&store, vec![a2a::StreamResponse::Task(model.task.clone()), end]).await;
        for _ in 0..2 {
            clock.forward(1);
            model.tell(&store, vec![]).await;
        }
        clock.forward(COMMITS as i64 + 1);
        assert_eq!(expire(place, &clock).await, 2, "the two commits without events");
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
        let replay = store.commits_after(&model.key, Version::ABSENT).await.unwrap();
        assert_eq!(replay, Replay::Commits(vec![Arc::clone(&model.log[0])]));
        let replay = store.commits_after(&model.key, Version::new(1)).await.unwrap();
        assert_eq!(replay, Replay::Snapshot(Box::new(model.stored().unwrap())));
        model.tell(&store, vec![]).await;
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());

        clock.forward(TASKS as i64 + 1);
        assert_eq!(store.load(&model.key).await.unwrap(), None);
        let replay = store.commits_after(&model.key, Version::ABSENT).await.unwrap();
        assert_eq!(replay, Replay::Commits(Vec::new()));
        let again = TaskModel::new("t").by("bob").begin(&store).await;
        assert_eq!(store.load(&again.key).await.unwrap(), again.stored());
    });
}

#[test]
fn a_watcher_is_forgotten_after_the_retention_of_commits_or_with_its_task() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let mut model = TaskModel::new("t").begin(&store).await;
        let (early, late) = (instance(), instance());
        store.watch(&model.key, &early).await.unwrap().unwrap();
        clock.forward(COMMITS as i64 * 2 / 5);
        store.watch(&model.key, &late).await.unwrap().unwrap();
        assert_eq!(store.watchers(&model.key).await.unwrap(), [early, late].into());
        clock.forward(COMMITS as i64 * 3 / 5);
        assert_eq!(store.watchers(&model.key).await.unwrap(), [late].into());
        store.watch(&model.key, &early).await.unwrap().unwrap();
        assert_eq!(store.watchers(&model.key).await.unwrap(), [early, late].into());

        model.tell(&store, vec![status(&model.task, TaskState::Completed, at(1))]).await;
        clock.forward(TASKS as i64 - 1);
        store.watch(&model.key, &late).await.unwrap().unwrap();
        assert_eq!(store.watchers(&model.key).await.unwrap(), [late].into());
        clock.forward(1);
        assert_eq!(store.watchers(&model.key).await.unwrap(), [].into());
    });
}

#[test]
fn a_delivery_that_was_given_up_is_forgotten_after_the_retention_of_tasks_or_with_its_task() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let mut deliveries = Vec::new();
        for id in ["early", "deleted", "late"] {
            let model = TaskModel::new(id).begin(&store).await;
            let webhook =
                PushSubscription::new(webhook(id), ConfigRevision::generate(&SystemEnv), Version::ABSENT);
            store.save_config(&model.key, &webhook).await.unwrap();
            let delivery = GivenUpDelivery {
                task: model.key,
                config_id: "w".into(),
                version: Version::new(1),
                host: "example.com".into(),
                reason: "410 Gone".into(),
                at: at(1),
            };
            store.give_up(&delivery).await.unwrap();
            clock.forward(TASKS as i64 * 2 / 5);
            deliveries.push(delivery);
        }
        let [_, deleted, late] = <[GivenUpDelivery; 3]>::try_from(deliveries).unwrap();
        let mut left = store.given_up(None, 10).await.unwrap();
        left.sort_by(|a, b| a.task.cmp(&b.task));
        assert_eq!(left, [deleted.clone(), late.clone()]);
        assert!(store.delete(&deleted.task).await.unwrap());
        assert_eq!(store.given_up(None, 10).await.unwrap(), [late]);
        clock.forward(TASKS as i64);
        assert_eq!(store.given_up(None, 10).await.unwrap(), []);
    });
}

/// A webhook that wants all of a task.
pub(crate) fn subscription(task_id: &str) -> PushSubscription {
    PushSubscription::new(webhook(task_id), ConfigRevision::generate(&SystemEnv), Version::ABSENT)
}

fn webhook(task_id: &str) -> a2a::TaskPushNotificationConfig {
    a2a::TaskPushNotificationConfig {
        url: "https://example.com".into(),
        id: Some("w".into()),
        task_id: task_id.into(),
        token: None,
        authentication: None,
        tenant: None,
    }
}

#[test]
fn a_parked_task_waits_for_its_time_and_leaves_nothing() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let before = place.items().await;
        let store = store.with_config(parked(&clock));
        let mut model = TaskModel::new("t").by("ann").begin(&store).await;
        store.save_config(&model.key, &subscription("t")).await.unwrap();
        store.watch(&model.key, &instance()).await.unwrap();
        for _ in 0..3 {
            for state in [TaskState::Working, TaskState::InputRequired] {
                let event = status(&model.task, state, at(1));
                model.tell(&store, vec![event]).await;
            }
            clock.forward(PARKED - 10);
            expire(place, &clock).await;
            let loaded = store.load(&model.key).await.unwrap();
            assert_eq!(loaded, model.stored_as(loaded.as_ref()), "each turn begins the time anew");
            assert_eq!(store.list_configs(&model.key).await.unwrap().len(), 1);
        }
        clock.forward(20);
        assert_eq!(store.load(&model.key).await.unwrap(), None);
        let query = TaskQuery::new(Tenant::default(), model.principal.clone(), 10);
        assert_eq!(store.list(&query).await.unwrap().total, 0);
        clock.forward(COMMITS as i64);
        expire(place, &clock).await;
        assert_eq!(place.items().await, before);
    });
}

#[test]
fn a_config_is_of_one_life_of_its_task_and_lasts_through_the_turns_of_that() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let store = store.with_config(parked(&clock));
        let mut model = TaskModel::new("t").begin(&store).await;
        model.tell(&store, vec![status(&model.task, TaskState::InputRequired, at(1))]).await;
        store.save_config(&model.key, &subscription("t")).await.unwrap();
        clock.forward(PARKED / 2);
        model
            .tell_with(&store, vec![status(&model.task, TaskState::Working, at(2))], claim(instance()))
            .await;
        // The turn lasts for longer than the task would have waited.
        clock.forward(PARKED);
        assert_eq!(store.list_configs(&model.key).await.unwrap().len(), 1);
        assert!(store.get_config(&model.key, "w").await.unwrap().is_some());
        model.tell(&store, vec![status(&model.task, TaskState::InputRequired, at(3))]).await;
        clock.forward(PARKED + 1);
        assert_eq!(store.load(&model.key).await.unwrap(), None);
        let again = TaskModel::new("t").begin(&store).await;
        assert_eq!(store.list_configs(&again.key).await.unwrap(), []);
        assert_eq!(store.get_config(&again.key, "w").await.unwrap(), None);
    });
}

#[test]
fn nobody_goes_on_with_a_task_that_has_expired_since_it_was_read() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let store = store.with_config(parked(&clock));
        let mut model = TaskModel::new("t").begin(&store).await;
        model.tell(&store, vec![status(&model.task, TaskState::InputRequired, at(1))]).await;
        let draft = model.draft(vec![status(&model.task, TaskState::Working, at(2))]);
        let follow_up = a2a_testkit::sample::Draft { change: claim(instance()), ..draft };
        clock.forward(PARKED + 1);
        let told = follow_up.send(&store, &model.key).await;
        assert_eq!(told, a2a_core::Outcome::Conflict { actual: Version::ABSENT });
        assert_eq!(store.load(&model.key).await.unwrap(), None);
    });
}

const PARKED: i64 = 5_000;

fn parked(clock: &Arc<Clock>) -> DynamoDbConfig {
    let config = DynamoDbConfig::default().parked_retention(Some(Duration::from_secs(PARKED as u64)));
    let config = config.task_retention(Some(Duration::from_secs(TASKS)));
    config.commit_retention(Duration::from_secs(COMMITS)).env(Arc::clone(clock) as Arc<dyn Env>)
}

#[test]
fn a_parked_task_waits_for_ever_where_it_is_to() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let store = store.with_config(parked(&clock).parked_retention(None));
        let mut model = TaskModel::new("t").begin(&store).await;
        for state in [TaskState::Working, TaskState::InputRequired] {
            let event = status(&model.task, state, at(1));
            model.tell(&store, vec![event]).await;
        }
        model.tell(&store, vec![]).await;
        clock.forward(1_000 * COMMITS as i64);
        expire(place, &clock).await;
        let (other, _) = open(place).await;
        assert_eq!(other.load(&model.key).await.unwrap(), model.stored());
        // A writer that has not loaded it finds its way as well.
        let said = message(&model.task, "m", vec![Part::text("here I am")]);
        model.tell(&other, vec![said]).await;
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
        assert_eq!(store.executing(&instance(), None).await.unwrap().tasks, []);
    });
}

#[test]
fn a_running_task_that_is_written_or_read_now_and_then_loses_nothing() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let mut model = TaskModel::new("t").begin(&store).await;
        let start = status(&model.task, TaskState::Working, at(1));
        model.tell(&store, vec![start]).await;
        for n in 0..30 {
            clock.forward(COMMITS as i64 * 2 / 5);
            expire(place, &clock).await;
            if n % 2 == 0 {
                let said = message(&model.task, &n.to_string(), vec![Part::text("still here")]);
                model.tell(&store, vec![said]).await;
            } else {
                let loaded = store.load(&model.key).await.unwrap();
                assert_eq!(loaded, model.stored_as(loaded.as_ref()), "in round {n}");
            }
        }
    });
}

#[test]
fn a_stale_writer_conflicts_also_where_the_commits_after_its_own_have_expired() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let mut model = TaskModel::new("t").begin(&store).await;
        let stale = model.draft(vec![message(&model.task, "late", vec![Part::text("late")])]);
        for state in [TaskState::Working, TaskState::InputRequired] {
            let event = status(&model.task, state, at(1));
            model.tell(&store, vec![event]).await;
        }
        clock.forward(COMMITS as i64 + 1);
        expire(place, &clock).await;
        let outcome = stale.send(&store, &model.key).await;
        assert_eq!(outcome, a2a_core::Outcome::Conflict { actual: model.version });
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
    });
}

#[test]
fn snapshots_follow_the_policy() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (often, rarely) = (SnapshotPolicy::default().min_log_units(4), SnapshotPolicy::default());
        let mut found = Vec::new();
        for (id, policy) in [("often", often), ("rarely", rarely)] {
            let store = place.store(|config| config.snapshots(policy)).await;
            let mut stream = Stream::begin(&store, id).await;
            stream.chunks(40, 120, 1).await;
            let query = place.client().await.query().table_name(&place.table);
            let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :s)");
            let query = query.expression_attribute_values(":pk", AttributeValue::S(format!("T##{id}")));
            let page = query.expression_attribute_values(":s", AttributeValue::S("S#".into())).send().await;
            found.push(page.unwrap().count);
            assert_eq!(store.load(&stream.key).await.unwrap().unwrap().task, stream.task);
        }
        assert!(found[0] >= 2 && found[1] == 0, "{found:?}");
    });
}

#[test]
fn a_config_that_was_saved_before_its_task_is_kept_for_as_long_as_that() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config.parked_retention(None).task_retention(None)).await;
        for state in [TaskState::InputRequired, TaskState::Completed] {
            let mut model = TaskModel::new(&format!("{state:?}"));
            store.save_config(&model.key, &subscription(&model.key.task_id)).await.unwrap();
            let config =
                async || place.items().await.into_iter().find(|item| item["sk"].as_s().unwrap() == "P#w");
            assert!(config().await.unwrap().contains_key("x"), "for its task may never come");
            model = model.begin(&store).await;
            model.tell(&store, vec![status(&model.task, state, at(1))]).await;
            assert!(!config().await.unwrap().contains_key("x"));
            store.delete(&model.key).await.unwrap();
        }
    });
}

/// One handle writes, another goes on in the last hours of the first one's entries, and knows of the last entry alone.
#[test]
fn whoever_goes_on_with_a_log_knows_when_its_oldest_entry_expires() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let clock = Arc::new(Clock::default());
        let handle = async || {
            let env = Arc::clone(&clock);
            place.store(|config| config.commit_retention(Duration::from_secs(COMMITS)).env(env)).await
        };
        let first = handle().await;
        let mut model = TaskModel::new("t").begin(&first).await;
        let piece = |model: &TaskModel, n: i64| {
            vec![chunk(&model.task, &format!("a{n}"), vec![Part::text("x")], false)]
        };
        for n in 0..2 {
            clock.forward(40);
            model.tell(&first, piece(&model, n)).await;
        }
        // Less than half of its time is left to the second entry, and more than that to the third.
        clock.forward(20);
        let second = handle().await;
        model.tell(&second, piece(&model, 2)).await;
        clock.forward(50);
        expire(place, &clock).await;
        let loaded = handle().await.load(&model.key).await.unwrap();
        assert_eq!(loaded, model.stored_as(loaded.as_ref()));
    });
}
