//! The feeds of an instance, each alive while somebody reads it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a_core::TaskKey;
use foldhash::HashMap;
use metrics::Histogram;

use super::Feed;
use crate::config::Config;

/// All feeds of one instance.
#[derive(Debug)]
pub(crate) struct Feeds {
    entries: Mutex<HashMap<TaskKey, Entry>>,
    max_commits: usize,
    max_bytes: usize,
    delivery: Histogram,
}

#[derive(Debug)]
struct Entry {
    feed: Arc<Feed>,
    /// Streams that read it.
    readers: usize,
    /// Publishers that read it: they keep it alive, but need no follower.
    holders: usize,
    followed: bool,
}

impl Entry {
    fn is_idle(&self) -> bool {
        self.readers == 0 && self.holders == 0 && !self.followed
    }
}

impl Feeds {
    /// Makes a registry whose feeds record how long what the bus brought took to be seen.
    pub(crate) fn new(config: &Config, delivery: Histogram) -> Self {
        Feeds {
            entries: Mutex::new(HashMap::default()),
            max_commits: config.feed_commits,
            max_bytes: config.feed_bytes,
            delivery,
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<TaskKey, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the readers of a task's feed, which comes to be if it has to.
    pub(crate) fn attach(self: &Arc<Self>, key: &TaskKey) -> Attached {
        self.join(key, true)
    }

    /// Keeps a task's feed alive without being one of its readers.
    pub(crate) fn hold(self: &Arc<Self>, key: &TaskKey) -> Attached {
        self.join(key, false)
    }

    fn join(self: &Arc<Self>, key: &TaskKey, reads: bool) -> Attached {
        let mut entries = self.entries();
        let entry = entries.entry(key.clone()).or_insert_with(|| Entry {
            feed: Arc::new(Feed::new(key.clone(), self.max_commits, self.max_bytes, self.delivery.clone())),
            readers: 0,
            holders: 0,
            followed: false,
        });
        if reads {
            entry.readers += 1;
        } else {
            entry.holders += 1;
        }
        Attached { feed: Arc::clone(&entry.feed), feeds: Arc::clone(self), reads }
    }

    /// Returns the feed of a task that somebody reads.
    pub(crate) fn get(&self, key: &TaskKey) -> Option<Arc<Feed>> {
        self.entries().get(key).map(|entry| Arc::clone(&entry.feed))
    }

    /// Marks a feed as followed. `false` where it is already, or where nobody reads it.
    pub(crate) fn begin_following(&self, key: &TaskKey) -> bool {
        match self.entries().get_mut(key) {
            Some(entry) if entry.readers > 0 => !std::mem::replace(&mut entry.followed, true),
            _ => false,
        }
    }

    /// Ends a feed's following; forgets the feed if nobody reads it.
    pub(crate) fn end_following(&self, key: &TaskKey) {
        let mut entries = self.entries();
        if let Some(entry) = entries.get_mut(key) {
            entry.followed = false;
            if entry.is_idle() {
                entries.remove(key);
            }
        }
    }

    /// Ends a feed's following only if nobody reads it. `false` where somebody does again.
    pub(crate) fn end_following_if_idle(&self, key: &TaskKey) -> bool {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(key) else { return true };
        if entry.readers > 0 {
            return false;
        }
        entry.followed = false;
        if entry.is_idle() {
            entries.remove(key);
        }
        true
    }

    pub(crate) fn has_readers(&self, key: &TaskKey) -> bool {
        self.entries().get(key).is_some_and(|entry| entry.readers > 0)
    }

    /// The number of feeds that somebody reads.
    pub(crate) fn len(&self) -> usize {
        self.entries().len()
    }

    fn detach(&self, key: &TaskKey, reads: bool) {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(key) else { return };
        if reads {
            entry.readers = entry.readers.saturating_sub(1);
        } else {
            entry.holders = entry.holders.saturating_sub(1);
        }
        if entry.readers == 0 && entry.followed {
            // Its follower says good-bye to the store and the executor, then forgets the feed.
            entry.feed.attention.notify_one();
        } else if entry.is_idle() {
            entries.remove(key);
        }
    }
}

/// A hold on a feed; dropping it lets go.
#[derive(Debug)]
pub(crate) struct Attached {
    feed: Arc<Feed>,
    feeds: Arc<Feeds>,
    reads: bool,
}

impl std::ops::Deref for Attached {
    type Target = Feed;

    fn deref(&self) -> &Feed {
        &self.feed
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.feeds.detach(&self.feed.key, self.reads);
    }
}
