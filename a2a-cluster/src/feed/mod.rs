//! A feed: inside one instance, the ordered stream of one task's commits that its local streams read.
//!
//! A feed exists while somebody reads it. The local run publishes into it; where the task runs elsewhere, a
//! follower fills it from the bus and the store. A reader has a cursor of its own, so a slow one holds up
//! nobody: it falls out of the ring and goes on from the store.

mod registry;
pub(crate) mod ring;
mod stream;

use std::sync::{Arc, Mutex, PoisonError};

use a2a_core::{CommitRecord, TaskKey, Version};
use metrics::Histogram;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

pub(crate) use registry::{Attached, Feeds};
pub(crate) use stream::{Start, Until, read};

use ring::{Ring, Tail};

/// The commits of one task, as far as this instance knows them.
#[derive(Debug)]
pub(crate) struct Feed {
    key: TaskKey,
    ring: Mutex<Ring>,
    /// Bumped whenever readers find something new, and when the feed is cut.
    progress: watch::Sender<u64>,
    /// Wakes the follower: a gap opened, or the last reader left.
    attention: Notify,
    /// How long what the bus brought took to be seen.
    delivery: Histogram,
}

impl Feed {
    fn new(key: TaskKey, max_commits: usize, max_bytes: usize, delivery: Histogram) -> Self {
        Feed {
            key,
            ring: Mutex::new(Ring::new(max_commits, max_bytes)),
            progress: watch::Sender::new(0),
            attention: Notify::new(),
            delivery,
        }
    }

    pub(crate) fn key(&self) -> &TaskKey {
        &self.key
    }

    fn ring(&self) -> std::sync::MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the ring, then wakes readers if they can see more, and the follower if there is a gap.
    fn change(&self, change: impl FnOnce(&mut Ring)) {
        let (moved, gap, waited) = {
            let mut ring = self.ring();
            let before = ring.head();
            change(&mut ring);
            (ring.head() != before, ring.has_gap(), ring.take_released())
        };
        if moved {
            self.progress.send_modify(|count| *count += 1);
        }
        for received in waited {
            self.delivery.record(received.elapsed());
        }
        if gap {
            self.attention.notify_one();
        }
    }

    /// Takes a commit from the executor or the store.
    pub(crate) fn publish(&self, record: &Arc<CommitRecord>) {
        self.change(|ring| ring.publish(Arc::clone(record), Instant::now()));
    }

    /// Takes a commit that the bus brought then.
    pub(crate) fn offer(&self, record: &Arc<CommitRecord>, received: Instant) {
        self.change(|ring| ring.offer(Arc::clone(record), received));
    }

    /// Takes word from the bus that the task has changed.
    pub(crate) fn hear_of(&self, version: Version) {
        self.change(|ring| ring.hear_of(version));
    }

    /// Skips to a version of which a snapshot is at hand.
    pub(crate) fn advance(&self, version: Version, ended: bool) {
        self.change(|ring| ring.advance(version, ended));
    }

    /// Ends the feed where it is: its task is gone.
    pub(crate) fn cut(&self) {
        self.ring().end();
        self.progress.send_modify(|count| *count += 1);
    }

    pub(crate) fn after(&self, cursor: Version) -> Tail {
        self.ring().after(cursor)
    }

    /// Returns when a commit became known here, if it is kept.
    pub(crate) fn known_since(&self, version: Version) -> Option<Instant> {
        self.ring().known_since(version)
    }

    pub(crate) fn head(&self) -> Version {
        self.ring().head()
    }

    pub(crate) fn has_gap(&self) -> bool {
        self.ring().has_gap()
    }

    pub(crate) fn ended(&self) -> bool {
        self.ring().ended()
    }

    /// Watches for progress; the value itself means nothing.
    pub(crate) fn progress(&self) -> watch::Receiver<u64> {
        self.progress.subscribe()
    }

    /// Waits until a gap opens or the readers leave.
    pub(crate) async fn attention(&self) {
        self.attention.notified().await;
    }
}
