//! What a faulty store does to writes and reads.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::{
    BackendError, Member, Membership, Outcome, RetryBudget, Store, TaskQuery, TaskStore, Tenant, Trouble,
    Version,
};
use a2a_testkit::sample::{Draft, TaskModel, instance};
use a2a_testkit::{Action, Delay, FaultyStore, Forecast, Weather};
use tokio::time::Instant;

use crate::broken_backends::flaw::{Flaw, Flawed};
use crate::reference::Reference;

/// The four fates of a write, and the fifth of a commit.
#[derive(Debug, PartialEq, Eq, Hash, Clone, Copy)]
enum Fate {
    Good,
    Refused,
    AnswerLost,
    Lost,
}

async fn fate_of(store: &FaultyStore, truth: &Reference, model: &mut TaskModel) -> Fate {
    let draft = model.draft(vec![a2a::StreamResponse::Task(model.task.clone())]);
    let answer = store.commit(&model.key, draft.commit()).await;
    let actual = truth.load(&model.key).await.unwrap().map_or(Version::ABSENT, |stored| stored.version);
    let applied = actual > model.version;
    if applied {
        model.accept(&draft);
    }
    match (applied, answer) {
        (true, Ok(Outcome::Applied(_))) => Fate::Good,
        (false, Err(BackendError::Unavailable(_))) => Fate::Refused,
        (true, Err(BackendError::Indeterminate(_))) => Fate::AnswerLost,
        (false, Err(BackendError::Indeterminate(_))) => Fate::Lost,
        other => panic!("a fate that does not exist: {other:?}"),
    }
}

async fn fates(forecast: Forecast, seed: u64, writes: usize) -> Vec<Fate> {
    let truth = Reference::default();
    let store = FaultyStore::new(Arc::new(truth.clone()), Weather::new(forecast), seed);
    let mut model = TaskModel::new("t");
    let mut fates = Vec::new();
    for _ in 0..writes {
        fates.push(fate_of(&store, &truth, &mut model).await);
    }
    fates
}

#[tokio::test(start_paused = true)]
async fn each_of_the_four_fates_happens_as_often_as_forecast() {
    let forecast = Forecast { write_refused: 0.1, answer_lost: 0.2, write_lost: 0.3, ..Forecast::calm() };
    let fates = fates(forecast, 1, 2_000).await;
    for (fate, share) in [(Fate::Refused, 200), (Fate::AnswerLost, 400), (Fate::Lost, 600), (Fate::Good, 800)]
    {
        let count = fates.iter().filter(|f| **f == fate).count();
        assert!(count.abs_diff(share) < 80, "{count} of 2,000 writes were {fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_seed_decides() {
    let forecast = || Forecast { lateness: Delay::NONE, write_late: 0.0, ..Forecast::stormy() };
    assert_eq!(fates(forecast(), 5, 300).await, fates(forecast(), 5, 300).await);
    assert_ne!(fates(forecast(), 5, 300).await, fates(forecast(), 6, 300).await);
}

#[tokio::test(start_paused = true)]
async fn a_late_commit_is_tried_after_its_caller_gave_up() {
    let truth = Reference::default();
    let lateness = Delay::between(Duration::from_secs(5), Duration::from_secs(5));
    let weather = Weather::new(Forecast { write_late: 1.0, lateness, ..Forecast::calm() });
    let store = FaultyStore::new(Arc::new(truth.clone()), weather.clone(), 1);
    let mut model = TaskModel::new("t");
    let birth = model.draft(vec![a2a::StreamResponse::Task(model.task.clone())]);
    let answer = store.commit(&model.key, birth.commit()).await;
    assert!(matches!(answer, Err(BackendError::Indeterminate(_))), "{answer:?}");
    assert_eq!(truth.load(&model.key).await.unwrap(), None);

    tokio::time::sleep(Duration::from_secs(6)).await;
    model.accept(&birth);
    assert_eq!(truth.load(&model.key).await.unwrap(), model.stored());

    // One that was overtaken meets its conflict, as any other writer does.
    let overtaken = store.commit(&model.key, model.draft(Vec::new()).commit()).await;
    assert!(overtaken.is_err());
    weather.set(Forecast::calm());
    model.tell(&store, Vec::new()).await;
    store.await_late_writes().await;
    assert_eq!(truth.load(&model.key).await.unwrap(), model.stored());
}

#[tokio::test(start_paused = true)]
async fn a_retry_with_the_same_id_survives_any_storm() {
    let truth = Reference::default();
    let mut storm = Forecast::stormy();
    (storm.write_refused, storm.answer_lost, storm.write_lost, storm.write_late) = (0.2, 0.2, 0.2, 0.2);
    let store = FaultyStore::new(Arc::new(truth.clone()), Weather::new(storm), 3);
    let mut model = TaskModel::new("t").begin(&store).await;
    for _ in 0..100 {
        model.tell(&store, Vec::new()).await;
    }
    store.await_late_writes().await;
    assert_eq!(truth.load(&model.key).await.unwrap(), model.stored());
}

#[tokio::test(start_paused = true)]
async fn the_weather_changes_in_mid_test_and_for_all_who_share_it() {
    let weather = Weather::calm();
    let truth: Arc<dyn Store> = Arc::new(Reference::default());
    let stores = [1, 2].map(|seed| FaultyStore::new(Arc::clone(&truth), weather.clone(), seed));
    let model = TaskModel::new("t").begin(&stores[0]).await;

    weather.change(|forecast| forecast.read_failed = 1.0);
    for store in &stores {
        assert!(matches!(store.load(&model.key).await, Err(BackendError::Unavailable(_))));
        store.unwatch(&model.key, &instance()).await.unwrap();
    }
    weather.change(|forecast| forecast.read_failed = 0.0);
    assert_eq!(stores[1].load(&model.key).await.unwrap(), model.stored());
}

#[tokio::test(start_paused = true)]
async fn a_store_apart_fails_its_instance_only_and_applies_nothing_of_it() {
    let (weather, truth) = (Weather::calm(), Reference::default());
    let ids = [instance(), instance()];
    let [apart, other] =
        ids.map(|id| FaultyStore::new(Arc::new(truth.clone()), weather.clone(), 1).used_by(id));
    let mut model = TaskModel::new("t").begin(&apart).await;
    weather.part_from_store(ids[0]);
    for _ in 0..20 {
        let draft = Draft { id: a2a_testkit::sample::commit_id(), ..model.draft(Vec::new()) };
        assert!(apart.commit(&model.key, draft.commit()).await.is_err_and(|error| error.is_transient()));
        assert!(apart.load(&model.key).await.is_err());
    }
    model.tell(&other, Vec::new()).await;
    weather.heal();
    assert_eq!(apart.load(&model.key).await.unwrap(), model.stored());
}

#[tokio::test(start_paused = true)]
async fn calls_take_the_time_that_is_forecast() {
    let delay = Delay::between(Duration::from_millis(10), Duration::from_millis(30));
    let weather = Weather::new(Forecast { store_delay: delay, ..Forecast::calm() });
    let store = FaultyStore::new(Arc::new(Reference::default()), weather, 1);
    for _ in 0..50 {
        let begun = Instant::now();
        store.head(&TaskModel::new("t").key).await.unwrap();
        let took = begun.elapsed();
        assert!((20..=62).contains(&took.as_millis()), "there and back took {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_spoilt_task_cannot_be_read_and_all_others_can() {
    let weather = Weather::calm();
    let store = FaultyStore::new(Arc::new(Reference::default()), weather.clone(), 1);
    let mut bad = TaskModel::new("bad").begin(&store).await;
    let good = TaskModel::new("good").begin(&store).await;
    weather.spoil(&bad.key);
    weather.heal();
    let corrupt =
        |answer: Result<(), BackendError>| assert!(matches!(answer, Err(BackendError::Corrupt { .. })));
    corrupt(store.load(&bad.key).await.map(drop));
    corrupt(store.head(&bad.key).await.map(drop));
    corrupt(store.commits_after(&bad.key, Version::ABSENT).await.map(drop));
    corrupt(store.watch(&bad.key, &instance()).await.map(drop));
    corrupt(store.watchers(&bad.key).await.map(drop));
    bad.tell(&store, Vec::new()).await;
    assert_eq!(store.load(&good.key).await.unwrap(), good.stored());
    let query = TaskQuery::new(Tenant::default(), None, 10);
    assert_eq!(store.list(&query).await.unwrap().total, 2);

    weather.mend(&bad.key);
    assert_eq!(store.load(&bad.key).await.unwrap(), bad.stored());
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_slow_and_nothing_else() {
    let store = FaultyStore::new(Arc::new(Reference::default()), Weather::new(Forecast::slow()), 1);
    let mut model = TaskModel::new("t").begin(&store).await;
    let mut longest = Duration::ZERO;
    for _ in 0..200 {
        let begun = Instant::now();
        model.tell(&store, Vec::new()).await;
        let took = begun.elapsed();
        assert!((100..=20_002).contains(&took.as_millis()), "{took:?}");
        longest = longest.max(took);
    }
    assert!(longest > Duration::from_secs(3), "nothing took longer than {longest:?}");
    assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
}

/// Takes what it is handed.
#[derive(Default)]
struct Handed(Arc<std::sync::Mutex<Option<RetryBudget>>>);

impl Flaw for Handed {
    fn use_budget(&self, budget: &RetryBudget) {
        *self.0.lock().unwrap() = Some(budget.clone());
    }
}

#[test]
fn the_retry_budget_is_handed_to_the_wrapped_store() {
    let handed = Arc::default();
    let right = Flawed { right: Reference::default(), flaw: Handed(Arc::clone(&handed)) };
    let store = FaultyStore::new(Arc::new(right), Weather::calm(), 1);
    let budget = RetryBudget::of_retries(1);
    store.use_budget(&budget);
    assert!(handed.lock().unwrap().take().unwrap().try_retry());
    assert_eq!(budget.left(), 0, "it is the same budget");
}

#[tokio::test]
async fn only_what_is_denied_fails_and_passes() {
    let weather = Weather::calm();
    let store = FaultyStore::new(Arc::new(Reference::default()), weather.clone(), 1);
    let mut model = TaskModel::new("t").begin(&store).await;
    let me = Member::joining(instance(), None);
    for denied in Action::ALL {
        weather.deny(&[denied]);
        let draft = model.draft(Vec::new());
        let troubles = [
            (Action::Read, store.load(&model.key).await.err()),
            (Action::Commit, store.commit(&model.key, draft.commit()).await.err()),
            (Action::Beat, store.beat(&me).await.err()),
            (Action::Write, store.unwatch(&model.key, &me.id).await.err()),
        ];
        for (action, error) in troubles {
            let trouble = error.and_then(|error| error.trouble());
            assert_eq!(trouble, (action == denied).then_some(Trouble::Denied), "{action:?} of {denied:?}");
        }
        if denied != Action::Commit {
            model.accept(&draft);
        }
    }
    weather.deny(&[]);
    assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
}

struct Spaced(Duration);

impl Flaw for Spaced {
    fn commit_spacing(&self, _: &Reference) -> Duration {
        self.0
    }
}

#[test]
fn the_spacing_of_commits_is_that_of_the_wrapped_store() {
    let spacing = Duration::from_millis(40);
    let spaced = Flawed { right: Reference::default(), flaw: Spaced(spacing) };
    let store = FaultyStore::new(Arc::new(spaced), Weather::calm(), 1);
    assert_eq!(store.commit_spacing(), spacing);
}
