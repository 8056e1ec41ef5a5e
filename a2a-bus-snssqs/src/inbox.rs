//! Received messages that wait for a reader: bounded, so that the rest waits in SQS.
//!
//! Room is taken before a receive, never after: what was received is never held back, so that SQS does not
//! deliver it twice.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use a2a_core::{BackendError, BusMessage, Result};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::error::Failure;

/// As many as one receive brings.
pub(crate) const FEWEST: usize = 10;
pub(crate) const MOST: usize = 1_000_000;

/// How often a reader is told of an outage that lasts: so often that it can tell it from a lone failure.
const REMIND: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Waiting {
    messages: VecDeque<BusMessage>,
    closed: bool,
    outage: Option<Outage>,
}

/// Why nothing can be received.
#[derive(Debug)]
struct Outage {
    failure: Failure,
    is_told: bool,
}

/// The messages that wait for a reader.
#[derive(Debug)]
pub(crate) struct Inbox {
    waiting: Mutex<Waiting>,
    changed: Notify,
    room: Semaphore,
}

/// Room for what one receive brings.
#[derive(Debug)]
pub(crate) struct Room<'a>(SemaphorePermit<'a>);

impl Inbox {
    pub(crate) fn new(messages: usize) -> Self {
        Inbox {
            waiting: Mutex::new(Waiting { messages: VecDeque::new(), closed: false, outage: None }),
            changed: Notify::new(),
            room: Semaphore::new(messages.clamp(FEWEST, MOST)),
        }
    }

    /// Waits for room. `None` once the inbox is closed. Cancel safe.
    pub(crate) async fn room(&self) -> Option<Room<'_>> {
        self.room.acquire_many(FEWEST as u32).await.ok().map(Room)
    }

    /// Adds at most as many messages as there is room for. What it does not need of the room is free again.
    pub(crate) fn put(&self, mut room: Room<'_>, messages: Vec<BusMessage>) {
        if let Some(used) = room.0.split(messages.len().min(FEWEST)) {
            used.forget();
        }
        if !messages.is_empty() {
            self.lock().messages.extend(messages.into_iter().take(FEWEST));
            self.changed.notify_one();
        }
    }

    /// A poll failed: readers are told, now and every so often, until one [works](Inbox::works).
    pub(crate) fn fails(&self, failure: Failure) {
        self.lock().outage = Some(Outage { failure, is_told: false });
        self.changed.notify_one();
    }

    /// A poll was answered.
    pub(crate) fn works(&self) {
        self.lock().outage = None;
    }

    /// Waits for messages and takes all. Cancel safe: nothing is taken before it returns.
    ///
    /// Fails while polls fail: once for each that does, and as a reminder while none is answered.
    pub(crate) async fn take(&self) -> Result<Vec<BusMessage>> {
        loop {
            let fails = {
                let mut waiting = self.lock();
                if waiting.closed {
                    // Whoever else waits shall see it too.
                    self.changed.notify_one();
                    return Err(BackendError::Closed);
                }
                if !waiting.messages.is_empty() {
                    let messages = Vec::from(std::mem::take(&mut waiting.messages));
                    self.room.add_permits(messages.len());
                    return Ok(messages);
                }
                match &mut waiting.outage {
                    Some(outage) if !outage.is_told => {
                        outage.is_told = true;
                        return Err(outage.failure.clone().into());
                    }
                    outage => outage.is_some(),
                }
            };
            if !fails {
                self.changed.notified().await;
            } else if timeout(REMIND, self.changed.notified()).await.is_err()
                && let Some(outage) = &mut self.lock().outage
            {
                outage.is_told = false;
            }
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Drops what waits and wakes who waits.
    pub(crate) fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        waiting.messages.clear();
        self.room.close();
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::{InstanceId, News, TaskKey, Tenant, Version};
    use futures::FutureExt as _;

    use super::*;

    fn message(version: u64) -> BusMessage {
        let from = InstanceId::from_uuid(uuid::Uuid::nil());
        let task = TaskKey::new(Tenant::default(), "t");
        BusMessage { from, task, news: News::Changed(Version::new(version)), trace: None }
    }

    #[tokio::test]
    async fn a_full_inbox_has_no_room_until_it_is_read() {
        let inbox = Inbox::new(15);
        let room = inbox.room().await.unwrap();
        inbox.put(room, (0..6).map(message).collect());
        assert!(inbox.room().now_or_never().is_none(), "nine are free");
        assert_eq!(inbox.take().await.unwrap().len(), 6);
        assert!(inbox.room().now_or_never().flatten().is_some());
    }

    #[tokio::test]
    async fn unused_room_is_free_again() {
        let inbox = Inbox::new(10);
        for _ in 0..100 {
            inbox.put(inbox.room().await.unwrap(), Vec::new());
        }
        drop(inbox.room().await);
        assert!(inbox.room().now_or_never().flatten().is_some());
    }

    #[tokio::test]
    async fn a_cancelled_take_loses_nothing() {
        let inbox = Inbox::new(10);
        assert!(inbox.take().now_or_never().is_none());
        inbox.put(inbox.room().await.unwrap(), vec![message(1)]);
        assert_eq!(inbox.take().await.unwrap(), [message(1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_told_again_and_again_until_it_ends() {
        let inbox = Inbox::new(10);
        let start = tokio::time::Instant::now();
        inbox.fails(Failure::late("ReceiveMessage"));
        for told in 0..5 {
            assert!(inbox.take().await.unwrap_err().is_transient());
            assert_eq!(start.elapsed().as_secs(), told * REMIND.as_secs());
        }
        inbox.put(inbox.room().await.unwrap(), vec![message(1)]);
        assert_eq!(inbox.take().await.unwrap(), [message(1)], "what is there is worth more");
        inbox.works();
        assert!(timeout(REMIND * 10, inbox.take()).await.is_err());
    }

    #[tokio::test]
    async fn close_wakes_readers_and_receivers() {
        let inbox = Inbox::new(10);
        let room = inbox.room().await.unwrap();
        let (read, got_room, ()) = tokio::join!(inbox.take(), inbox.room(), async { inbox.close() });
        assert!(matches!(read, Err(BackendError::Closed)));
        assert!(got_room.is_none());
        drop(room);
        assert!(matches!(inbox.take().await, Err(BackendError::Closed)));
    }
}
