//! What endpoints and hubs do beyond the contract.

use std::sync::Arc;

use a2a_bus_memory::{MemoryBus, MemoryHub};
use a2a_core::{
    BackendError, BusMessage, CommitId, CommitRecord, EventBus, InstanceId, News, SystemAmbient, TaskKey,
    Tenant, Version,
};

fn instance() -> InstanceId {
    InstanceId::generate(&SystemAmbient)
}

fn message(from: &MemoryBus, news: News) -> BusMessage {
    BusMessage { from: from.me(), task: TaskKey::new(Tenant::new("acme"), "secret"), news, trace: None }
}

async fn gone(from: &MemoryBus, to: &[InstanceId]) -> Vec<InstanceId> {
    from.send(to, &message(from, News::Unwatch)).await.unwrap().gone
}

#[tokio::test]
async fn an_endpoint_that_was_dropped_or_never_opened_is_gone() {
    let hub = MemoryBus::hub();
    let (a, b, c) = (hub.endpoint(instance()), hub.endpoint(instance()), hub.endpoint(instance()));
    let (lost, stranger) = (b.me(), instance());
    assert!(gone(&a, &[lost, c.me()]).await.is_empty());

    drop(b);
    assert_eq!(gone(&a, &[lost, c.me(), stranger]).await, [lost, stranger]);
    assert_eq!(c.receive().await.unwrap().len(), 2);
}

#[tokio::test]
async fn hubs_are_worlds_of_their_own() {
    let here = MemoryBus::hub().endpoint(instance());
    let there = MemoryBus::hub().endpoint(instance());
    assert_eq!(gone(&here, &[there.me()]).await, [there.me()]);
}

#[tokio::test]
async fn clones_of_a_hub_are_one_world() {
    let hub = MemoryHub::default();
    let here = hub.clone().endpoint(instance());
    let there = hub.endpoint(instance());
    assert!(gone(&here, &[there.me()]).await.is_empty());
}

#[tokio::test]
async fn opening_an_endpoint_again_closes_the_earlier_one() {
    let hub = MemoryBus::hub();
    let id = instance();
    let earlier = hub.endpoint(id);
    let later = hub.endpoint(id);
    assert!(matches!(earlier.receive().await, Err(BackendError::Closed)));

    drop(earlier);
    assert!(gone(&later, &[id]).await.is_empty(), "the earlier one took the later one along");
    assert_eq!(later.receive().await.unwrap().len(), 1);
}

#[tokio::test]
async fn commits_are_shared_and_not_copied() {
    let hub = MemoryBus::hub();
    let (a, b, c) = (hub.endpoint(instance()), hub.endpoint(instance()), hub.endpoint(instance()));
    let id = CommitId::generate(&SystemAmbient);
    let record = Arc::new(CommitRecord { version: Version::new(1), id, events: Vec::new() });
    let sent = message(&a, News::Commits(vec![Arc::clone(&record)]));
    let delivery = a.send(&[b.me(), c.me()], &sent).await.unwrap();
    assert!(delivery.gone.is_empty());

    for reader in [&b, &c] {
        let received = reader.receive().await.unwrap().pop().unwrap();
        let News::Commits(commits) = received.news else { panic!("other news: {received:?}") };
        assert!(Arc::ptr_eq(&commits[0], &record));
    }
}

#[tokio::test]
async fn debug_output_shows_no_message() {
    let hub = MemoryBus::hub();
    let bus = hub.endpoint(instance());
    assert!(gone(&bus, &[bus.me()]).await.is_empty());
    assert!(!format!("{bus:?} {hub:?}").contains("secret"));
}
