//! What a bus and its endpoints do beyond the contract.

use std::sync::Arc;

use a2a_bus_memory::{MemoryBus, MemoryEndpoint};
use a2a_core::{
    BackendError, BusMessage, CommitId, CommitRecord, Endpoint, EventBus, Generation, InstanceId, News,
    Recipient, SystemEnv, TaskKey, Tenant, Version,
};

fn instance() -> InstanceId {
    InstanceId::generate(&SystemEnv)
}

fn message(from: &MemoryEndpoint, news: News) -> BusMessage {
    BusMessage { from: from.me(), task: TaskKey::new(Tenant::new("acme"), "secret"), news, trace: None }
}

async fn gone(from: &MemoryEndpoint, to: &[InstanceId]) -> Vec<InstanceId> {
    let to: Vec<_> = to.iter().copied().map(Recipient::direct).collect();
    from.send(&to, &message(from, News::Unwatch)).await.unwrap().gone
}

#[tokio::test]
async fn an_endpoint_that_was_dropped_or_never_opened_is_gone() {
    let bus = MemoryBus::new();
    let (a, b, c) = (bus.endpoint(instance()), bus.endpoint(instance()), bus.endpoint(instance()));
    let (lost, stranger) = (b.me(), instance());
    assert!(gone(&a, &[lost, c.me()]).await.is_empty());

    drop(b);
    assert_eq!(gone(&a, &[lost, c.me(), stranger]).await, [lost, stranger]);
    assert_eq!(c.receive().await.unwrap().len(), 2);
}

#[tokio::test]
async fn buses_are_worlds_of_their_own() {
    let here = MemoryBus::new().endpoint(instance());
    let there = MemoryBus::new().endpoint(instance());
    assert_eq!(gone(&here, &[there.me()]).await, [there.me()]);
}

#[tokio::test]
async fn clones_of_a_bus_are_one_world() {
    let bus = MemoryBus::default();
    let here = bus.clone().endpoint(instance());
    let there = bus.endpoint(instance());
    assert!(gone(&here, &[there.me()]).await.is_empty());
}

#[tokio::test]
async fn opening_an_endpoint_again_closes_the_earlier_one() {
    let bus = MemoryBus::new();
    let id = instance();
    let earlier = bus.endpoint(id);
    let later = bus.endpoint(id);
    assert!(matches!(earlier.receive().await, Err(BackendError::Closed)));

    drop(earlier);
    assert!(gone(&later, &[id]).await.is_empty(), "the earlier one took the later one along");
    assert_eq!(later.receive().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_released_endpoint_is_gone() {
    let bus = MemoryBus::new();
    let (a, b) = (bus.endpoint(instance()), bus.endpoint(instance()));
    bus.clone().release(&b.me()).await.unwrap();
    assert_eq!(gone(&a, &[b.me()]).await, [b.me()]);
    assert!(matches!(b.receive().await, Err(BackendError::Closed)));
}

#[tokio::test]
async fn commits_are_shared_and_not_copied() {
    let bus = MemoryBus::new();
    let (a, b, c) = (bus.endpoint(instance()), bus.endpoint(instance()), bus.endpoint(instance()));
    let id = CommitId::generate(&SystemEnv);
    let record = Arc::new(CommitRecord {
        version: Version::new(1),
        generation: Generation::new(1),
        id,
        events: Vec::new(),
    });
    let sent = message(&a, News::Commits(vec![Arc::clone(&record)]));
    let delivery = a.send(&[b.me(), c.me()].map(Recipient::direct), &sent).await.unwrap();
    assert!(delivery.gone.is_empty());

    for reader in [&b, &c] {
        let received = reader.receive().await.unwrap().pop().unwrap();
        let News::Commits(commits) = received.news else { panic!("other news: {received:?}") };
        assert!(Arc::ptr_eq(&commits[0], &record));
    }
}

#[tokio::test]
async fn debug_output_shows_no_message() {
    let bus = MemoryBus::new();
    let endpoint = bus.endpoint(instance());
    assert!(gone(&endpoint, &[endpoint.me()]).await.is_empty());
    assert!(!format!("{endpoint:?} {bus:?}").contains("secret"));
}
