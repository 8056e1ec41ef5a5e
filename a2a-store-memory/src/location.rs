//! What all clones of a store share: the tasks, the indexes over them, the members, and what all instances
//! share.
//!
//! Locks are taken in one order: a task's shard, then one index at a time. Nothing takes a shard while it
//! holds an index or another shard.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use a2a_core::{InstanceId, Keys, Member, PushSubscription, TaskKey};
use foldhash::HashMap;

use crate::MemoryStoreConfig;
use crate::entry::Entry;
use crate::executing::Executing;
use crate::given_up::GivenUp;
use crate::listing::Listing;
use crate::retention::{Place, Retention, Surplus};
use crate::shards::{Shards, lock};

/// One store's contents.
#[derive(Debug, Default)]
pub(crate) struct Location {
    pub(crate) config: MemoryStoreConfig,
    pub(crate) shards: Shards<Shard>,
    pub(crate) listing: Listing,
    pub(crate) executing: Mutex<Executing>,
    pub(crate) retention: Mutex<Retention>,
    pub(crate) members: Mutex<BTreeMap<InstanceId, Member>>,
    pub(crate) given_up: Mutex<GivenUp>,
    pub(crate) keys: Mutex<BTreeMap<String, Keys>>,
}

/// The tasks that share a lock, and their webhooks.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    pub(crate) tasks: HashMap<TaskKey, Entry>,
    pub(crate) webhooks: HashMap<TaskKey, BTreeMap<String, PushSubscription>>,
}

impl Location {
    /// Reads or changes a task's entry; `None` where the task does not exist.
    pub(crate) fn with<T>(&self, key: &TaskKey, then: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.shards.lock(key).tasks.get_mut(key).map(then)
    }

    /// Deletes a task with all that belongs to it; tells whether it existed.
    pub(crate) fn delete(&self, key: &TaskKey) -> bool {
        // Taking a large task apart takes time: bound to a name, it outlives the lock.
        let entry = self.take(&mut self.shards.lock(key), key);
        entry.is_some()
    }

    /// Does away with what is beyond the bounds.
    pub(crate) fn discard(&self, surplus: Surplus) {
        if let Some((place, key)) = surplus.expired {
            self.expire(place, &key);
        }
        for (place, key) in surplus.truncated {
            let records = self.with(&key, |entry| {
                if entry.finished == Some(place) { entry.log.truncate() } else { VecDeque::new() }
            });
            // Outside of the lock, like all that takes time.
            drop(records);
        }
    }

    /// Deletes a finished task, unless the key stands for another task by now.
    fn expire(&self, place: Place, key: &TaskKey) {
        let mut shard = self.shards.lock(key);
        let entry = match shard.tasks.get(key) {
            Some(entry) if entry.finished == Some(place) => self.take(&mut shard, key),
            _ => None,
        };
        drop(shard);
        drop(entry);
    }

    fn take(&self, shard: &mut Shard, key: &TaskKey) -> Option<Entry> {
        shard.webhooks.remove(key);
        let entry = shard.tasks.remove(key)?;
        self.listing.remove(&entry.owner, &entry.row);
        if entry.claim.is_some() {
            lock(&self.executing).hand_over(key, entry.claim.as_ref(), None);
        }
        if let Some(place) = entry.finished {
            lock(&self.retention).forget(place);
        }
        Some(entry)
    }
}
