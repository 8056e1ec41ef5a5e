//! An instance that stops as a paused process does, and goes on as if nothing had happened.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::{BusMessage, Endpoint, News, Recipient, TaskStore};
use a2a_testkit::sample::{TaskModel, instance};
use a2a_testkit::{FaultyEndpoint, FaultyStore, Weather};
use tokio::time::timeout;

use crate::reference::{Reference, ReferenceBus};

const LONG: Duration = Duration::from_secs(600);

#[tokio::test(start_paused = true)]
async fn calls_of_a_frozen_instance_go_on_where_they_stopped() {
    let (weather, truth, me) = (Weather::calm(), Reference::default(), instance());
    let store = FaultyStore::new(Arc::new(truth.clone()), weather.clone(), 1).used_by(me);
    let mut model = TaskModel::new("t").begin(&store).await;

    weather.freeze(me);
    let draft = model.draft(Vec::new());
    let key = model.key.clone();
    let mut writing = std::pin::pin!(store.commit(&key, draft.commit()));
    assert!(timeout(LONG, &mut writing).await.is_err(), "a frozen write ended");
    assert_eq!(truth.load(&model.key).await.unwrap(), model.stored());

    weather.thaw(me);
    let outcome = writing.await.unwrap();
    assert_eq!(outcome, a2a_core::Outcome::Applied(draft.next()));
    model.accept(&draft);
    assert_eq!(truth.load(&model.key).await.unwrap(), model.stored());
}

#[tokio::test(start_paused = true)]
async fn messages_wait_for_a_frozen_instance_and_it_sends_none() {
    let (weather, bus) = (Weather::calm(), ReferenceBus::default());
    let [cold, warm] =
        [1, 2].map(|seed| FaultyEndpoint::new(Arc::new(bus.endpoint(instance())), weather.clone(), seed));
    let message = |from: &FaultyEndpoint| BusMessage {
        from: from.me(),
        task: TaskModel::new("t").key,
        news: News::Configs,
        trace: None,
    };
    weather.freeze(cold.me());
    let _ = warm.send(&[Recipient::direct(cold.me())], &message(&warm)).await.unwrap();
    assert!(timeout(LONG, cold.receive()).await.is_err());
    assert!(timeout(LONG, cold.send(&[Recipient::direct(warm.me())], &message(&cold))).await.is_err());
    assert!(timeout(LONG, warm.receive()).await.is_err());

    weather.heal();
    assert_eq!(cold.receive().await.unwrap(), [message(&warm)]);
}
