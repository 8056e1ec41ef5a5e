//! The end of an endpoint, for itself and for those who still write to it.

use std::pin::pin;
use std::sync::Arc;

use a2a_core::{BackendError, Recipient};
use tokio::time::timeout;

use super::inbox::Inbox;
use crate::BusFixture;
use crate::expect::within;
use crate::sample::instance;

/// Sending to an instance that has closed, or never was, is no error; such a one may be reported gone, a live
/// one never. The live ones get the message.
pub async fn a_closed_recipient_is_reported_gone_or_ignored(fixture: &dyn BusFixture) {
    let (sender, mut live) = (Inbox::open(fixture).await, Inbox::open(fixture).await);
    let closed = Inbox::open(fixture).await;
    within(fixture.patience(), "a close", closed.endpoint.close()).await.unwrap();
    let gone = [closed.id(), instance()];
    for (number, to) in
        [vec![gone[0]], vec![gone[1]], vec![gone[0], live.id()], vec![live.id(), gone[1], gone[0]]]
            .into_iter()
            .enumerate()
    {
        let message = sender.message(number as u64);
        let delivery = sender.deliver(&to, &message).await;
        assert!(delivery.gone.iter().all(|id| gone.contains(id)), "a live instance is reported gone");
        if to.contains(&live.id()) {
            live.await_message(&message).await;
        }
    }
    let last = sender.message(99);
    sender.send(&[live.id()], &last).await;
    live.await_message(&last).await;
}

/// On a closed endpoint `receive` is `Closed`: a new call, and one that was waiting when it closed.
pub async fn receive_on_a_closed_endpoint_is_closed(fixture: &dyn BusFixture) {
    let reader = Inbox::open(fixture).await;
    let endpoint = Arc::clone(&reader.endpoint);
    let mut waiting = pin!(endpoint.receive());
    let early = timeout(fixture.silence(), waiting.as_mut()).await;
    assert!(early.is_err(), "receive returned although nothing was sent");

    let closing = within(fixture.patience(), "a close", reader.endpoint.close());
    let waking = within(fixture.patience(), "waking a receive by close", waiting);
    let (closed, woken) = tokio::join!(closing, waking);
    closed.unwrap();
    assert!(matches!(woken, Err(BackendError::Closed)), "a waiting receive: {woken:?}");
    for _ in 0..2 {
        let later = within(fixture.patience(), "a receive after close", reader.endpoint.receive()).await;
        assert!(matches!(later, Err(BackendError::Closed)), "a later receive: {later:?}");
    }

    let sudden = Inbox::open(fixture).await;
    sudden.endpoint.close().await.unwrap();
    let later = within(fixture.patience(), "the first receive after close", sudden.endpoint.receive()).await;
    assert!(matches!(later, Err(BackendError::Closed)), "the first receive: {later:?}");
}

/// Closing again, or twice at once, is closing. A closed endpoint sends nothing, and others are unaffected.
pub async fn close_is_idempotent(fixture: &dyn BusFixture) {
    let (closed, mut live) = (Inbox::open(fixture).await, Inbox::open(fixture).await);
    let third = Inbox::open(fixture).await;
    let close = || within(fixture.patience(), "a close", closed.endpoint.close());
    let (first, second) = tokio::join!(close(), close());
    first.unwrap();
    second.unwrap();
    close().await.unwrap();

    let message = closed.message(1);
    for to in [live.id(), closed.id()] {
        let sent = within(
            fixture.patience(),
            "a send after close",
            closed.endpoint.send(&[Recipient::direct(to)], &message),
        )
        .await;
        assert!(matches!(sent, Err(BackendError::Closed)), "a send after close: {sent:?}");
    }
    let sentinel = third.message(2);
    third.send(&[live.id()], &sentinel).await;
    live.await_message(&sentinel).await;
    live.expect_only(&[sentinel]).await;
}
