//! Waiting for messages, and giving up waiting.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::{sleep, timeout};

use super::inbox::Inbox;
use crate::BusFixture;
use crate::expect::within;

/// How often a waiting call may be woken for nothing during the fixture's silence.
const IDLE_POLLS: usize = 500;

/// Without messages `receive` waits, quietly; with one it returns it. It never returns empty.
pub async fn receive_waits_for_a_message(fixture: &dyn BusFixture) {
    let (sender, mut reader) = (Inbox::open(fixture).await, Inbox::open(fixture).await);
    for number in 0..3 {
        reader.drain().await;
        let endpoint = Arc::clone(&reader.endpoint);
        let mut receiving = pin!(endpoint.receive());
        let mut polls = 0_usize;
        let counted = std::future::poll_fn(|cx| {
            polls += 1;
            receiving.poll_unpin(cx)
        });
        let early = timeout(fixture.silence(), counted).await;
        assert!(early.is_err(), "receive returned although nothing was sent: {early:?}");
        assert!(polls < IDLE_POLLS, "receive was polled {polls} times while it waited");

        let message = sender.message(number);
        sender.send(&[reader.id()], &message).await;
        let received = within(fixture.patience(), "a receive that had to wait", receiving).await.unwrap();
        assert!(!received.is_empty(), "receive returned without a message");
        reader.seen.extend(received);
        reader.await_message(&message).await;
    }
}

/// Calls of `receive` that are dropped, after one poll or at any later moment, lose no message.
pub async fn receive_is_cancel_safe(fixture: &dyn BusFixture) {
    let (sender, mut reader) = (Inbox::open(fixture).await, Inbox::open(fixture).await);
    let mut rng = fastrand::Rng::with_seed(3);
    for round in 0..12 {
        let messages: Vec<_> = (0..10).map(|n| sender.message(round * 10 + n)).collect();
        let sending = async {
            for message in &messages {
                sender.send(&[reader.endpoint.me()], message).await;
                tokio::task::yield_now().await;
            }
        };
        let endpoint = Arc::clone(&reader.endpoint);
        let cancelling = async {
            let mut seen = Vec::new();
            for _ in 0..40 {
                if let Some(messages) = abandoned_receive(&*endpoint, rng.u32(..6)).await {
                    seen.extend(messages);
                }
                tokio::task::yield_now().await;
            }
            seen
        };
        let ((), seen) = tokio::join!(sending, cancelling);
        reader.seen.extend(seen);
        for message in &messages {
            reader.await_message(message).await;
        }
    }
}

/// Polls a `receive` a few times, or for a few milliseconds, and drops it.
async fn abandoned_receive(
    endpoint: &dyn a2a_core::Endpoint,
    polls: u32,
) -> Option<Vec<a2a_core::BusMessage>> {
    let mut receiving = pin!(endpoint.receive());
    if polls == 0 {
        return timeout(Duration::from_millis(3), receiving).await.ok().map(Result::unwrap);
    }
    for poll in 1..=polls {
        let once = std::future::poll_fn(|cx| Poll::Ready(receiving.poll_unpin(cx))).await;
        if let Poll::Ready(received) = once {
            return Some(received.unwrap());
        }
        if poll < polls {
            sleep(Duration::from_micros(200)).await;
        }
    }
    None
}
