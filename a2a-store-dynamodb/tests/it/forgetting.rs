//! Forgetting for good: everything that the table keeps of a task, a context or a caller, and nothing of others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a::{Message, Part, Role, TaskState};
use a2a_cluster::{Forget, ForgetOutcome, forget};
use a2a_core::{
    ClaimChange, Env, GivenUpDelivery, Outcome, Principal, Purged, PushConfigs, TaskKey, TaskStore, Tenant,
    Version, context_of,
};
use a2a_store_dynamodb::{DynamoDbConfig, DynamoDbStore};
use a2a_testkit::sample::{TaskModel, at, chunk, claim, instance, noise, status};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use futures::FutureExt;

use crate::place::after::{After, Answered};
use crate::place::clock::Clock;
use crate::place::{Place, raw};
use crate::retention::subscription;
use crate::unreadable::spoil;

/// What no item may hold any more: it stands in messages, in chunks, in the configs of webhooks.
const CONTENT: &str = "xyzzy";

/// Long enough for nobody to repeat what created a task.
const A_WHILE: i64 = 11 * 60;

async fn open(place: &Place) -> (DynamoDbStore, Arc<Clock>) {
    let clock = Arc::new(Clock::default());
    let env = Arc::clone(&clock) as Arc<dyn Env>;
    (place.store(move |config| config.env(env).task_retention(Some(Duration::from_secs(3600)))).await, clock)
}

/// A task of a caller of the tenant `acme`, in a context, whose first message has content.
fn asked(id: &str, caller: Option<&str>, context: &str) -> TaskModel {
    let mut model = TaskModel::about(TaskKey::new(Tenant::new("acme"), id), context);
    let mut message = Message::new(Role::User, vec![Part::text(CONTENT)]);
    message.task_id = Some(id.to_owned());
    model.task.history = Some(vec![message]);
    if let Some(caller) = caller { model.by(caller) } else { model }
}

/// Lets a task have a bit of everything, and leaves it in a state.
async fn eventful(store: &DynamoDbStore, model: TaskModel, last: TaskState) -> TaskKey {
    let mut model = model.begin(store).await;
    let mut config = subscription(&model.key.task_id);
    config.config.url = format!("https://example.com/{CONTENT}");
    store.save_config(&model.key, &config).await.unwrap();
    store.watch(&model.key, &instance()).await.unwrap().unwrap();
    let working = status(&model.task, TaskState::Working, at(1));
    model.tell_with(store, vec![working], claim(instance())).await;
    // One commit of each is more than an item holds, where there is time for it.
    let bytes = if model.key.task_id == "done" { 600_000 } else { 2_000 };
    for n in 0..3 {
        let text = format!("{CONTENT}{}", noise(n, bytes));
        let said = chunk(&model.task, "answer", vec![Part::text(text)], n > 0);
        model.tell(store, vec![said]).await;
    }
    if last != TaskState::Working {
        let end = status(&model.task, last, at(2));
        model.tell_with(store, vec![end], ClaimChange::End).await;
    }
    model.key
}

async fn given_up(store: &DynamoDbStore, task: &TaskKey) {
    let delivery = GivenUpDelivery {
        task: task.clone(),
        config_id: "removed meanwhile".into(),
        version: Version::new(1),
        host: "example.com".into(),
        reason: "410 Gone".into(),
        at: at(1),
    };
    store.give_up(&delivery).await.unwrap();
}

fn of(caller: Option<&str>, context: Option<&str>) -> Forget {
    Forget::Tasks {
        tenant: Tenant::new("acme"),
        principal: caller.map(Principal::new),
        context_id: context.map(str::to_owned),
    }
}

/// What was told of each task.
async fn told(store: &DynamoDbStore, what: &Forget, apply: bool) -> BTreeMap<String, &'static str> {
    let mut told = BTreeMap::new();
    let mut tell = |one: &a2a_cluster::Forgotten| {
        let outcome = match one.outcome {
            ForgetOutcome::Found => "found",
            ForgetOutcome::Gone => "gone",
            ForgetOutcome::Marked => "marked",
            ForgetOutcome::Failed(_) => "failed",
        };
        let again = told.insert(one.task.task_id.clone(), outcome);
        assert_eq!(again, None, "{:?} is told once", one.task);
        ControlFlow::Continue(())
    };
    assert_eq!(forget(store, what, apply, &mut tell).await.unwrap(), ControlFlow::Continue(()));
    told
}

#[test]
fn all_of_a_caller_is_found_and_removed_and_nothing_of_others() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        use TaskState::{Completed, Failed, InputRequired, Working};
        let (store, clock) = open(place).await;
        let client = place.client().await;
        eventful(&store, asked("bobs", Some("bob"), "c"), Completed).await;
        eventful(&store, asked("nobodys", None, "c"), InputRequired).await;
        let kept = raw::scan(&client, &place.table).await;
        for (id, last) in
            [("done", Completed), ("failed", Failed), ("parked", InputRequired), ("runs", Working)]
        {
            let key = eventful(&store, asked(id, Some("ann"), "c"), last).await;
            given_up(&store, &key).await;
        }
        for id in ["no-head", "no-life", "no-log"] {
            eventful(&store, asked(id, Some("ann"), "c"), Completed).await;
        }
        spoil(place, "T#acme#no-head", "H", "hn").await;
        spoil(place, "T#acme#no-life", "H", "g").await;
        spoil(place, "T#acme#no-log", &format!("C#{:020}", 3), "gn").await;
        clock.forward(A_WHILE);
        let full = raw::scan(&client, &place.table).await;

        let ids = ["done", "failed", "no-head", "no-life", "no-log", "parked", "runs"];
        let found = told(&store, &of(Some("ann"), None), false).await;
        assert_eq!(found, ids.map(|id| (id.to_owned(), "found")).into());
        assert_eq!(raw::scan(&client, &place.table).await, full, "a dry run changes nothing");

        let gone = told(&store, &of(Some("ann"), None), true).await;
        let outcome = |id| if id == "runs" { "marked" } else { "gone" };
        assert_eq!(gone, ids.map(|id| (id.to_owned(), outcome(id))).into());
        let (left, marks): (Vec<_>, Vec<_>) = raw::scan(&client, &place.table)
            .await
            .into_iter()
            .partition(|item| item["pk"] != AttributeValue::S("T#acme#runs".into()));
        assert_eq!(left, kept);
        assert_eq!(marks.len(), 2, "a mark and a fence: {marks:?}");
        assert!(marks.iter().all(|mark| mark.contains_key("x") && mark.len() <= 7), "{marks:?}");
        assert_eq!(raw::mentioning(&marks, CONTENT), [] as [&raw::Item; 0]);
        assert_eq!(told(&store, &of(Some("ann"), None), true).await, [].into());
    });
}

#[test]
fn a_context_is_forgotten_with_the_task_that_it_is_named_after_and_no_other() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let client = place.client().await;
        eventful(&store, asked("other-context", Some("ann"), "d"), TaskState::Completed).await;
        let first = "018f3a52-7c1d-7e3b-9f61-2b4c8d0e5a77";
        let context = context_of(first).unwrap();
        eventful(&store, asked("other-caller", Some("bob"), &context), TaskState::Completed).await;
        let kept = raw::scan(&client, &place.table).await;
        for id in [first, "later"] {
            eventful(&store, asked(id, Some("ann"), &context), TaskState::Completed).await;
        }
        // Nothing can be read of the first one.
        spoil(place, &format!("T#acme#{first}"), "H", "hn").await;
        clock.forward(A_WHILE);
        let gone = told(&store, &of(Some("ann"), Some(&context)), true).await;
        assert_eq!(gone, [(first.to_owned(), "gone"), ("later".to_owned(), "gone")].into());
        assert_eq!(raw::scan(&client, &place.table).await, kept);
    });
}

#[test]
fn one_task_is_forgotten_in_whichever_state_it_is() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let client = place.client().await;
        let kept = raw::scan(&client, &place.table).await;
        // One that has expired and is not swept, and one whose head is lost.
        let expired = eventful(&store, asked("expired", Some("ann"), "c"), TaskState::Completed).await;
        let headless = eventful(&store, asked("headless", None, "c"), TaskState::Completed).await;
        let text = |text: &str| AttributeValue::S(text.into());
        let delete = client.delete_item().table_name(&place.table);
        delete.key("pk", text("T#acme#headless")).key("sk", text("H")).send().await.unwrap();
        clock.forward(3600 + A_WHILE);
        given_up(&store, &headless).await;
        let listed = told(&store, &of(Some("ann"), None), false).await;
        assert_eq!(listed, [("expired".to_owned(), "found")].into(), "what is not swept is found, too");
        for key in [expired, headless] {
            let told = told(&store, &Forget::Task(key.clone()), true).await;
            assert_eq!(told, [(key.task_id, "gone")].into());
        }
        assert_eq!(raw::scan(&client, &place.table).await, kept);
    });
}

#[test]
fn who_creates_a_task_repeats_that_for_want_of_an_answer_and_does_not_create_it_anew() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, _) = open(place).await;
        let model = TaskModel::new("t");
        let end = status(&model.task, TaskState::Completed, at(1));
        let whole = model.draft(vec![a2a::StreamResponse::Task(model.task.clone()), end]);
        let applied = Outcome::Applied(Version::new(1));
        assert_eq!(whole.send(&store, &model.key).await, applied);
        assert_eq!(store.purge(&model.key).await.unwrap(), Purged::Marked, "it is young");
        assert_eq!(whole.send(&store, &model.key).await, applied);
        assert_eq!(store.load(&model.key).await.unwrap(), None);
    });
}

#[test]
fn a_config_that_is_saved_while_its_task_is_purged_goes_with_it() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        let client = place.client().await;
        let kept = raw::scan(&client, &place.table).await;
        let config = DynamoDbConfig::default().task_retention(None).env(clock.clone() as Arc<dyn Env>);
        let store = Arc::new(store.with_config(config.clone()));
        let mut model = TaskModel::new("t").begin(&*store).await;
        model.tell(&*store, vec![status(&model.task, TaskState::Completed, at(1))]).await;
        clock.forward(A_WHILE);
        let (by, key, is_first) = (Arc::clone(&store), model.key.clone(), AtomicUsize::new(0));
        let meanwhile = After::new(move |answered| {
            let acts = answered == Answered::Get && is_first.fetch_add(1, Ordering::SeqCst) == 0;
            let (store, key) = (Arc::clone(&by), key.clone());
            async move {
                if acts {
                    assert_eq!(store.purge(&key).await.unwrap(), Purged::Gone);
                }
            }
            .boxed()
        });
        let hindered = place.client_with(|builder| builder.interceptor(meanwhile)).await;
        let saver = DynamoDbStore::with_client(hindered, &place.table).with_config(config);
        saver.save_config(&model.key, &subscription("t")).await.unwrap();
        assert_eq!(raw::scan(&client, &place.table).await, kept);
    });
}

/// Lets no write to one task pass.
#[derive(Debug)]
struct Stubborn;

impl Intercept for Stubborn {
    fn name(&self) -> &'static str {
        "stubborn"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let is_put = request.headers().get("x-amz-target").is_some_and(|target| target.ends_with("PutItem"));
        let body = request.body().bytes().unwrap_or_default();
        if is_put && body.windows(8).any(|window| window == b"stubborn") {
            // Nobody listens there.
            request.set_uri("http://127.0.0.1:1/")?;
        }
        Ok(())
    }
}

#[test]
fn a_task_that_cannot_be_removed_is_passed_over_and_told() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let (store, clock) = open(place).await;
        for id in ["one", "stubborn", "two"] {
            eventful(&store, asked(id, None, "c"), TaskState::Completed).await;
        }
        clock.forward(A_WHILE);
        let client = place.client_with(|builder| builder.interceptor(Stubborn)).await;
        let config = DynamoDbConfig::default().attempts(1).env(Arc::clone(&clock) as Arc<dyn Env>);
        let hindered = DynamoDbStore::with_client(client, &place.table).with_config(config);
        let gone = told(&hindered, &of(None, None), true).await;
        let expected = [("one", "gone"), ("stubborn", "failed"), ("two", "gone")];
        assert_eq!(gone, expected.map(|(id, outcome)| (id.to_owned(), outcome)).into());
        let left: BTreeSet<_> = told(&store, &of(None, None), true).await.into_keys().collect();
        assert_eq!(left, ["stubborn".to_owned()].into());
    });
}
