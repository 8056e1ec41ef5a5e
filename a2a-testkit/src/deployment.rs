//! The contract of what a deployment shares, sentence by sentence.
//!
//! Each function is one sentence of [`Deployment`]'s contract and panics where the store
//! breaks it. [`deployment_suite!`](crate::deployment_suite) makes tests of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a_core::{BackendError, Deployment, Format, Keys, Store};
use tokio::task::JoinSet;

use crate::StoreFixture;
use crate::expect::persist;

const RACERS: u8 = 24;

async fn keys(store: &dyn Deployment, name: &str, secret: u8) -> Keys {
    persist(|| store.keys(name, [secret; 32])).await
}

async fn renew(store: &dyn Deployment, name: &str, from: u32, secret: u8) -> Keys {
    persist(|| store.renew_key(name, from, [secret; 32])).await
}

/// A store that was just set up is in this build's format. One that was never set up says so, and what to do.
pub async fn the_format_is_read(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    for handle in [&store, &other] {
        let format = persist(|| handle.format()).await;
        assert_eq!(format, Format::CURRENT);
        assert!(format.check().is_ok(), "this build may not work with what it has set up");
    }
    if let Some(unprepared) = fixture.unprepared_handle().await {
        match unprepared.format().await {
            Err(BackendError::Rejected { reason, .. }) => {
                assert!(reason.split_whitespace().count() > 4, "no words that say what to do: {reason}");
            }
            other => panic!("the format of a store that was never set up: {other:?}"),
        }
    }
}

/// The first who asks for the keys of a name makes the first key, of whatever many ask at once; all handles return
/// it from then on, whatever secret comes with later questions.
pub async fn keys_are_made_once(fixture: &dyn StoreFixture) {
    let handles = [fixture.handle().await, fixture.handle().await];
    let first = keys(&*handles[0], "bus", 1).await;
    assert_eq!(first, Keys::first([1; 32]));
    for (n, handle) in handles.iter().cycle().take(4).enumerate() {
        assert_eq!(keys(&**handle, "bus", 2 + n as u8).await, first, "whoever asks later");
    }
    for round in 0..4 {
        let mut racers = JoinSet::new();
        for secret in 0..RACERS {
            let store: Arc<dyn Store> = Arc::clone(&handles[usize::from(secret) % 2]);
            racers.spawn(async move { keys(&*store, &format!("race-{round}"), secret).await });
        }
        let made = racers.join_all().await;
        assert!(made.iter().all(|keys| *keys == made[0]), "two first keys of one name: {:?}", numbers(&made));
        assert_eq!((made[0].current.number, made[0].previous), (1, None), "of a first key");
        let is_somebodys = (0..RACERS).any(|secret| made[0].current.secret == [secret; 32]);
        assert!(is_somebodys, "a key that nobody brought");
        assert_eq!(keys(&*handles[1], &format!("race-{round}"), 99).await, made[0], "after the race");
    }
}

fn numbers(keys: &[Keys]) -> BTreeSet<u32> {
    keys.iter().map(|keys| keys.current.number).collect()
}

/// Names do not share keys, however similar they are; renewing one's leaves the others'.
pub async fn names_have_keys_of_their_own(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let names = ["bus", "ids", "bu", "bus2", "Bus", "bus#1", "bus/1", "the bus"];
    for (n, name) in names.iter().enumerate() {
        assert_eq!(keys(&*store, name, n as u8).await, Keys::first([n as u8; 32]), "of {name:?}");
    }
    renew(&*other, names[0], 1, 200).await;
    for (n, name) in names.iter().enumerate() {
        let first = Keys::first([n as u8; 32]);
        let expected = if n == 0 { first.renewed([200; 32]) } else { first };
        assert_eq!(keys(&*other, name, 201).await, expected, "of {name:?}");
    }
}

/// After a renewal the new key is the current one and the one before is valid; the next renewal lets that go.
pub async fn a_renewed_key_leaves_the_one_before_valid(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut expected = keys(&*store, "bus", 1).await;
    for (number, secret) in [(1, 2), (2, 3), (3, 4)] {
        expected = expected.renewed([secret; 32]);
        assert_eq!(renew(&*other, "bus", number, secret).await, expected, "of the renewal of key {number}");
        for handle in [&store, &other] {
            assert_eq!(keys(&**handle, "bus", 99).await, expected, "after the renewal of key {number}");
        }
        assert_eq!(expected.numbered(number).map(|key| key.secret[0]), Some(secret - 1));
        // A retry after a lost answer renews nothing more.
        assert_eq!(renew(&*store, "bus", number, secret).await, expected, "of the same renewal again");
    }
    assert_eq!(expected.numbered(2), None);
}

/// Of many who renew one key at once, one does; everybody is told the keys as they are then. Whoever comes with an
/// old number, or one to come, renews nothing.
pub async fn of_two_who_renew_a_key_one_does(fixture: &dyn StoreFixture) {
    let handles = [fixture.handle().await, fixture.handle().await];
    let mut before = keys(&*handles[0], "bus", 100).await;
    for round in 1..6 {
        let mut racers = JoinSet::new();
        for secret in 0..RACERS {
            let store: Arc<dyn Store> = Arc::clone(&handles[usize::from(secret) % 2]);
            racers.spawn(async move { renew(&*store, "bus", round, secret).await });
        }
        let made = racers.join_all().await;
        assert!(
            made.iter().all(|keys| *keys == made[0]),
            "several renewals of one key: {:?}",
            numbers(&made)
        );
        assert_eq!(made[0].current.number, round + 1, "the number of a renewed key");
        assert_eq!(made[0].previous, Some(before.current), "the key before");
        before = made[0];
        for number in [0, round, round + 2, u32::MAX] {
            assert_eq!(renew(&*handles[1], "bus", number, 77).await, before, "of renewing key {number}");
        }
        assert_eq!(keys(&*handles[0], "bus", 99).await, before);
    }
}
