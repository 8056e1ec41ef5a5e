//! The contract of an event bus, sentence by sentence.
//!
//! Each function is one sentence of [`EventBus`](a2a_core::EventBus)'s contract and panics where the bus
//! breaks it. [`event_bus_suite!`](crate::event_bus_suite) makes tests of them, and of those of its endpoints.

use std::time::Duration;

use a2a_core::{BackendError, BusMessage};
use tokio::time::timeout;

use crate::BusFixture;
use crate::endpoint::inbox::{Inbox, connect};
use crate::expect::{persist, within};
use crate::sample::instance;

/// Whoever connects again has an endpoint that is reached: whether the earlier call was given up, lasts still, or made
/// an endpoint, which may be open or dropped.
pub async fn connecting_again_gives_an_endpoint(fixture: &dyn BusFixture) {
    let (bus, sender) = (fixture.bus().await, Inbox::open(fixture).await);
    let mut number = 0;
    let mut tell = async |endpoint| {
        let mut reader = Inbox::of(fixture, endpoint);
        number += 1;
        let message = sender.message(number);
        sender.send(&[reader.id()], &message).await;
        reader.await_message(&message).await;
        reader
    };
    let me = instance();
    for patience in [Duration::ZERO, fixture.silence() / 10] {
        // What a call made that is given up in the midst of it must be in nobody's way.
        let _ = timeout(patience, connect(&*bus, me)).await;
    }
    let open = tell(connect(&*bus, me).await).await;
    let again = tell(connect(&*bus, me).await).await;
    drop((open, again));
    tell(connect(&*bus, me).await).await;

    let me = instance();
    let (first, second) = tokio::join!(connect(&*bus, me), connect(&*bus, me));
    drop((first, second));
    tell(connect(&*bus, me).await).await;
}

/// What an instance left is gone: on an endpoint that is still open nothing arrives any more, and sending to it is
/// as to one that closed. All others are as before.
pub async fn release_removes_what_an_instance_left(fixture: &dyn BusFixture) {
    let (sender, mut live) = (Inbox::open(fixture).await, Inbox::open(fixture).await);
    let bus = fixture.bus().await;
    let mut left = Inbox::open(fixture).await;
    let first = sender.message(1);
    sender.send(&[left.id(), live.id()], &first).await;
    left.await_message(&first).await;
    let gone = left.id();
    persist(|| bus.release(&gone)).await;

    for number in 2..6 {
        let message = sender.message(number);
        let delivery = sender.deliver(&[left.id(), live.id()], &message).await;
        assert!(!delivery.gone.contains(&live.id()), "a live instance is reported gone");
        live.await_message(&message).await;
    }
    let late = timeout(fixture.silence(), async {
        loop {
            match left.endpoint.receive().await {
                Ok(received) => return received,
                Err(BackendError::Closed) => return std::future::pending().await,
                // The carrier of a released endpoint may well complain.
                Err(_) => tokio::time::sleep(fixture.silence() / 20).await,
            }
        }
    });
    if let Ok(received) = late.await {
        let is_old = |message: &BusMessage| *message == first;
        assert!(received.iter().all(is_old), "a released endpoint receives");
    }
    within(fixture.patience(), "a close after a release", left.endpoint.close()).await.unwrap();
}

/// Releasing again, at once or by many, is releasing; so is releasing who never connected. Nobody else notices.
pub async fn release_is_idempotent(fixture: &dyn BusFixture) {
    let (bus, other) = (fixture.bus().await, fixture.bus().await);
    let (sender, mut live) = (Inbox::open(fixture).await, Inbox::open(fixture).await);
    let (open, closed, stranger) = (Inbox::open(fixture).await, Inbox::open(fixture).await, instance());
    closed.endpoint.close().await.unwrap();
    for (number, gone) in [open.id(), closed.id(), stranger].into_iter().enumerate() {
        tokio::join!(persist(|| bus.release(&gone)), persist(|| other.release(&gone)));
        persist(|| bus.release(&gone)).await;
        let message = sender.message(number as u64);
        sender.send(&[live.id()], &message).await;
        live.await_message(&message).await;
    }
    let own = live.message(99);
    live.send(&[sender.id(), live.id()], &own).await;
    live.await_message(&own).await;
}
