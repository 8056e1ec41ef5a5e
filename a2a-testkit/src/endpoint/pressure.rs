//! An endpoint that nobody reads: the senders' problem never.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt};

use super::inbox::Inbox;
use crate::BusFixture;

/// However many messages wait at an endpoint that reads none, every send ends, other endpoints get theirs,
/// and what waits is bounded. Once it reads again, new messages arrive.
pub async fn a_slow_reader_blocks_no_sender(fixture: &dyn BusFixture) {
    let (sender, mut brisk) = (Inbox::open(fixture).await, Inbox::open(fixture).await);
    let mut slow = Inbox::open(fixture).await;
    let flood = fixture.flood() as u64;
    let to = [slow.id(), brisk.id()];
    let sending = stream::iter(0..flood).map(|n| {
        let message = sender.message(n);
        let sender = &sender;
        async move { sender.send(&to[..1], &message).await }
    });
    sending.buffer_unordered(16).for_each(|_| async {}).await;

    let sentinel = sender.message(flood);
    sender.send(&to, &sentinel).await;
    brisk.await_message(&sentinel).await;

    if let Some(bound) = fixture.bound() {
        assert!((bound as u64) < flood, "the flood must be able to reach the bound");
        slow.drain().await;
        let waited: BTreeSet<_> = slow.seen.iter().map(|message| &message.task).collect();
        assert!(waited.len() <= bound, "{} messages waited, at most {bound} should", waited.len());
    }
    // What waits in front of a new message has to be read first; on a full queue the new one may be dropped.
    slow.drain().await;
    let renewed = sender.message(flood + 1);
    sender.send(&to[..1], &renewed).await;
    slow.await_message(&renewed).await;
    assert!(
        slow.seen.iter().all(|message| message.task.task_id.parse::<u64>().is_ok_and(|n| n <= flood + 1))
    );
}
