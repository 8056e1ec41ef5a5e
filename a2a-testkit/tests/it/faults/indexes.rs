//! Indexes that lag: what `list` and `executing` say of what has changed lately.

use std::sync::Arc;
use std::time::Duration;

use a2a::TaskState;
use a2a_core::{ClaimChange, InstanceId, Membership, TaskKey, TaskQuery, TaskStore, Tenant};
use a2a_testkit::sample::{TaskModel, at, claim, instance, status};
use a2a_testkit::{Delay, FaultyStore, Forecast, Weather};
use tokio::time::sleep;

use crate::reference::Reference;

const LAG: Duration = Duration::from_secs(10);

/// Two handles on one store whose indexes lag by ten seconds.
fn lagging() -> (Weather, [FaultyStore; 2]) {
    let index_lag = Delay::between(LAG, LAG);
    let weather = Weather::new(Forecast { index_lag, ..Forecast::calm() });
    let truth = Arc::new(Reference::default());
    let stores = [1, 2].map(|seed| FaultyStore::new(truth.clone(), weather.clone(), seed));
    (weather, stores)
}

async fn executing(store: &FaultyStore, who: InstanceId) -> Vec<TaskKey> {
    store.executing(&who, None).await.unwrap().tasks
}

async fn listed(store: &FaultyStore) -> Vec<String> {
    let query = TaskQuery::new(Tenant::default(), None, 100);
    store.list(&query).await.unwrap().tasks.into_iter().map(|task| task.id).collect()
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_found_after_the_lag_by_whoever_asks() {
    let (_, [store, other]) = lagging();
    let me = instance();
    let mut model = TaskModel::new("t").begin(&store).await;
    model.tell_with(&store, Vec::new(), claim(me)).await;
    for handle in [&store, &other] {
        assert!(executing(handle, me).await.is_empty(), "at once");
        assert_eq!(handle.head(&model.key).await.unwrap(), model.head(), "single tasks never lag");
    }
    sleep(LAG).await;
    for handle in [&store, &other] {
        assert_eq!(executing(handle, me).await, std::slice::from_ref(&model.key));
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_ended_is_found_until_the_lag_is_over() {
    let (_, [store, other]) = lagging();
    let (me, next) = (instance(), instance());
    let mut models = Vec::new();
    for id in ["ended", "released", "taken", "deleted"] {
        let mut model = TaskModel::new(id).begin(&store).await;
        model.tell_with(&store, Vec::new(), claim(me)).await;
        models.push(model);
    }
    sleep(LAG).await;
    let mut all: Vec<_> = models.iter().map(|model| model.key.clone()).collect();
    all.sort();
    assert_eq!(executing(&store, me).await, all);

    models[0].tell_with(&other, Vec::new(), ClaimChange::End).await;
    store.release(&models[1].key, &models[1].claim.unwrap()).await.unwrap();
    models[2].tell_with(&other, Vec::new(), claim(next)).await;
    assert!(store.delete(&models[3].key).await.unwrap());
    for handle in [&store, &other] {
        assert_eq!(executing(handle, me).await, all, "still");
        assert!(executing(handle, next).await.is_empty(), "not yet");
    }
    sleep(LAG).await;
    for handle in [&store, &other] {
        assert!(executing(handle, me).await.is_empty());
        assert_eq!(executing(handle, next).await, std::slice::from_ref(&models[2].key));
    }
}

#[tokio::test(start_paused = true)]
async fn an_executor_between_two_is_seen_in_order() {
    let (_, [store, _]) = lagging();
    let instances = [instance(), instance(), instance()];
    let mut model = TaskModel::new("t").begin(&store).await;
    for me in instances {
        model.tell_with(&store, Vec::new(), claim(me)).await;
        sleep(LAG / 2).await;
    }
    // Fifteen seconds after the first claim the index shows the second, as ten have passed since that.
    let mut seen = Vec::new();
    for me in instances {
        seen.push(executing(&store, me).await.len());
    }
    assert_eq!(seen, [0, 1, 0]);
    sleep(LAG).await;
    assert_eq!(executing(&store, instances[2]).await, [model.key]);
}

#[tokio::test(start_paused = true)]
async fn a_list_does_not_show_a_task_whose_state_is_new() {
    let (_, [store, other]) = lagging();
    let mut model = TaskModel::new("t").begin(&store).await;
    assert!(listed(&other).await.is_empty());
    sleep(LAG).await;
    assert_eq!(listed(&other).await, ["t"]);
    let working = status(&model.task, TaskState::Working, at(1));
    model.tell(&store, vec![working]).await;
    assert!(listed(&other).await.is_empty());
    model.tell(&store, Vec::new()).await;
    sleep(LAG).await;
    assert_eq!(listed(&other).await, ["t"], "a commit without a status moves no task");
}

#[tokio::test(start_paused = true)]
async fn an_index_that_lags_no_more_shows_what_comes_then() {
    let (weather, [store, other]) = lagging();
    let (me, next) = (instance(), instance());
    let mut model = TaskModel::new("t").begin(&store).await;
    model.tell_with(&store, Vec::new(), claim(me)).await;
    weather.set(Forecast::calm());
    sleep(LAG).await;
    model.tell_with(&other, Vec::new(), claim(next)).await;
    assert!(executing(&store, me).await.is_empty());
    assert_eq!(executing(&store, next).await, [model.key]);
    assert_eq!(listed(&store).await, ["t"]);
}

#[tokio::test(start_paused = true)]
async fn an_index_that_begins_to_lag_hides_no_claim_that_it_showed_before() {
    let (weather, [store, other]) = lagging();
    weather.set(Forecast::calm());
    let (me, next) = (instance(), instance());
    let mut model = TaskModel::new("t").begin(&store).await;
    model.tell_with(&store, Vec::new(), claim(me)).await;
    let index_lag = Delay::between(LAG, LAG);
    weather.set(Forecast { index_lag, ..Forecast::calm() });
    let working = status(&model.task, TaskState::Working, at(1));
    model.tell(&store, vec![working]).await;
    for handle in [&store, &other] {
        assert_eq!(executing(handle, me).await, std::slice::from_ref(&model.key));
    }
    model.tell_with(&store, Vec::new(), claim(next)).await;
    assert!(executing(&other, next).await.is_empty());
    sleep(LAG).await;
    assert!(executing(&other, me).await.is_empty());
    assert_eq!(executing(&other, next).await, [model.key]);
}

#[tokio::test(start_paused = true)]
async fn lags_do_not_shift_what_else_happens() {
    let fates = async |index_lag| {
        let weather = Weather::new(Forecast { index_lag, ..Forecast::stormy() });
        let store = FaultyStore::new(Arc::new(Reference::default()), weather, 7);
        let model = TaskModel::new("t");
        let mut fates = Vec::new();
        for _ in 0..200 {
            let draft = model.draft(vec![a2a::StreamResponse::Task(model.task.clone())]);
            fates.push(
                store.commit(&model.key, draft.commit()).await.map_err(|error| error.to_string()).is_ok(),
            );
        }
        fates
    };
    assert_eq!(fates(Delay::NONE).await, fates(Delay::between(LAG, 2 * LAG)).await);
}
