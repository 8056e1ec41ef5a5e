//! What agents cost as people have them, in write units as the endpoint bills them.

use std::collections::BTreeMap;
use std::time::Duration;

use a2a::{Message, Part, Role, StreamResponse, TaskState};
use a2a_core::{ClaimChange, Principal, TaskQuery, TaskStore, Tenant, context_of};
use a2a_store_dynamodb::{DynamoDbConfig, DynamoDbStore};
use a2a_testkit::sample::{TaskModel, at, chunk, claim, instance, status};
use a2a_testworld::weather::WeatherProxy;
use futures::{StreamExt, stream};
use uuid::Uuid;

use crate::place::meter::Meter;
use crate::place::{Place, Setup};

const WORDS: &str = "It will rain from noon on, and clear up in the evening. ";

/// A task as a message makes it, in a context that the server has named after it.
fn asked(caller: Option<&str>) -> TaskModel {
    let id = Uuid::new_v4().to_string();
    let mut model = TaskModel::new(&id);
    if let Some(caller) = caller {
        model = model.by(caller);
    }
    model.task.context_id = context_of(&id).unwrap();
    let mut message =
        Message::new(Role::User, vec![Part::text("What will the weather be like in Lisbon today?")]);
    message.task_id = Some(id);
    message.context_id = Some(model.task.context_id.clone());
    model.task.history = Some(vec![message]);
    model
}

async fn metered(place: &Place) -> (DynamoDbStore, Meter) {
    let meter = Meter::default();
    let client = place.client_with(|builder| builder.interceptor(meter.clone())).await;
    // Its turn is over within that, or lasts for longer than the test.
    let config = DynamoDbConfig::default().status_lag(Duration::from_secs(3600));
    (DynamoDbStore::with_client(client, &place.table).with_config(config), meter)
}

/// Begins a task whose agent is silent at first, and works then.
async fn begin(store: &DynamoDbStore, caller: Option<&str>) -> TaskModel {
    let mut model = asked(caller);
    let created = vec![StreamResponse::Task(model.task.clone())];
    model.tell_with(store, created, claim(instance())).await;
    model.tell(store, vec![status(&model.task, TaskState::Working, at(1))]).await;
    model
}

/// Silent for a second, WORKING, its answer of 20 chunks in one burst, COMPLETED; listed, and read once.
#[test]
fn the_usual_agent_costs_at_most_twelve_write_units() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        for caller in [None, Some("ann")] {
            let (store, meter) = metered(place).await;
            let mut model = begin(&store, caller).await;
            let burst = (0..20).map(|n| chunk(&model.task, "answer", vec![Part::text(WORDS)], n > 0));
            let end = status(&model.task, TaskState::Completed, at(2));
            model.tell_with(&store, burst.chain([end]).collect(), ClaimChange::End).await;
            let bill = meter.take();
            assert!(bill.written <= 12.0, "{bill:?}");
            let query = TaskQuery::new(Tenant::default(), caller.map(Principal::new), 10);
            assert_eq!(store.list(&query).await.unwrap().tasks.len(), 1);
            assert_eq!(meter.take().written, 0.0);
            assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
            let bill = meter.take();
            assert_eq!((bill.read, bill.total()), (1.0, 1), "{bill:?}");
        }
    });
}

/// Silent for 800 ms, WORKING, tokens in commits of their own, COMPLETED.
#[test]
fn the_talking_agent_costs_one_unit_for_each_commit_in_between() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        let mut model = begin(&store, None).await;
        for n in 0..30 {
            let tokens =
                (0..2).map(|at| chunk(&model.task, "answer", vec![Part::text("cloudy ")], n + at > 0));
            model.tell(&store, tokens.collect()).await;
        }
        let end = status(&model.task, TaskState::Completed, at(2));
        model.tell_with(&store, vec![end], ClaimChange::End).await;
        let bill = meter.take();
        assert!(bill.written <= 30.0 + 12.0, "{bill:?}");
    });
}

/// Of an anonymous fleet with one tenant, whose tasks are all one caller's. How evenly ids are spread, a test of the shards
/// says; here it is what they share.
#[test]
fn no_partition_takes_more_than_a_fifth_of_a_unit_of_a_usual_task() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let Some(endpoint) = place.endpoint() else { return };
        let proxy = WeatherProxy::before(endpoint, 7).await.unwrap();
        let store = Setup::at(&proxy.url(), &place.table).open().await;
        let store = store.with_config(DynamoDbConfig::default().status_lag(Duration::from_secs(3600)));
        let fleet = [instance(), instance()];
        let tasks = (0..TASKS).map(|n| {
            let (store, me) = (&store, fleet[n % fleet.len()]);
            async move {
                let mut model = asked(None);
                let created = vec![StreamResponse::Task(model.task.clone())];
                model.tell_with(store, created, claim(me)).await;
                model.tell(store, vec![status(&model.task, TaskState::Working, at(1))]).await;
                let end = status(&model.task, TaskState::Completed, at(2));
                model.tell_with(store, vec![end], ClaimChange::End).await;
            }
        });
        stream::iter(tasks).buffer_unordered(16).collect::<Vec<()>>().await;
        let counts = proxy.counts();
        let indexes = &counts.tables[&place.table].indexes;
        assert!(!indexes.contains_key("by-context") || indexes["by-context"].units.written == 0.0);
        let mut groups: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
        for (partition, units) in indexes.values().flat_map(|index| &index.partitions) {
            let group = partition.trim_end_matches(|sign: char| sign.is_ascii_digit());
            let (sum, shards) = groups.entry(group).or_default();
            *sum += units.written;
            *shards += 1;
        }
        // A range of tasks at work, one of ended ones, and two executors.
        assert_eq!(groups.len(), 4, "{groups:?}");
        for (group, (sum, shards)) in groups {
            let share = sum / shards as f64 / TASKS as f64;
            assert!(share <= 0.2, "{share} units of a task for each of {shards} of {group}");
        }
    });
}

const TASKS: usize = 240;

#[test]
fn a_short_task_of_one_commit_costs_at_most_three_units() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, meter) = metered(place).await;
        let mut model = asked(None);
        let answer = chunk(&model.task, "answer", vec![Part::text(WORDS)], false);
        let end = status(&model.task, TaskState::Completed, at(2));
        model.tell(&store, vec![StreamResponse::Task(model.task.clone()), answer, end]).await;
        let bill = meter.take();
        assert!(bill.written <= 3.0, "{bill:?}");
    });
}

#[test]
fn the_first_task_of_a_context_that_is_named_after_it_is_listed_with_the_later_ones() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config).await;
        let first = begin(&store, Some("ann")).await;
        let mut later = asked(Some("ann"));
        later.task.context_id.clone_from(&first.task.context_id);
        let later = later.begin(&store).await;
        let of = |principal: &str, context: &str| TaskQuery {
            context_id: Some(context.to_owned()),
            ..TaskQuery::new(Tenant::default(), Some(Principal::new(principal)), 10)
        };
        let listed = async |query: &TaskQuery| {
            let page = store.list(query).await.unwrap();
            let mut ids: Vec<_> = page.tasks.into_iter().map(|task| task.id).collect();
            ids.sort();
            (ids, page.total)
        };
        let context = &first.task.context_id;
        let mut both = vec![first.task.id.clone(), later.task.id.clone()];
        both.sort();
        assert_eq!(listed(&of("ann", context)).await, (both, 2));
        assert_eq!(listed(&of("ben", context)).await, (vec![], 0));
        let mut query = of("ann", context);
        query.state = Some(TaskState::Completed);
        assert_eq!(listed(&query).await, (vec![], 0));
        // A page may end before it.
        query = TaskQuery { limit: 1, ..of("ann", context) };
        let page = store.list(&query).await.unwrap();
        assert_eq!((page.tasks.len(), page.total), (1, 2));
        let next = TaskQuery { after: page.next, ..query };
        let rest = store.list(&next).await.unwrap();
        assert_ne!(rest.tasks[0].id, page.tasks[0].id);
    });
}
