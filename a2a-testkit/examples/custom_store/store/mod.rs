//! A store that is right at sight: one lock around plain maps. A database would have tables in their place, and
//! conditional writes in place of the lock.

mod deployment;
mod members;
mod push;
mod tasks;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a_core::{
    CommitRecord, Format, GivenUpCursor, GivenUpDelivery, InstanceId, Keys, Member, PushDelivery,
    PushSubscription, StoredTask, TaskKey,
};

/// A store. Clones share what it keeps.
#[derive(Clone, Default)]
pub(crate) struct MapStore(Arc<Mutex<State>>);

/// Everything that the store keeps.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) tasks: BTreeMap<TaskKey, Entry>,
    pub(crate) members: BTreeMap<InstanceId, Member>,
    pub(crate) given_up: BTreeMap<GivenUpCursor, GivenUpDelivery>,
    pub(crate) keys: BTreeMap<String, Keys>,
    pub(crate) format: Option<Format>,
}

/// Everything about one task.
pub(crate) struct Entry {
    pub(crate) stored: StoredTask,
    pub(crate) watchers: BTreeSet<InstanceId>,
    pub(crate) log: Vec<Arc<CommitRecord>>,
    pub(crate) webhooks: BTreeMap<String, PushSubscription>,
}

impl State {
    /// The config that a delivery is for, if it is still that one.
    pub(crate) fn its_config(
        &mut self,
        key: &TaskKey,
        delivery: &PushDelivery,
    ) -> Option<&mut PushSubscription> {
        let saved = self.tasks.get_mut(key)?.webhooks.get_mut(&delivery.config_id)?;
        (saved.revision == delivery.revision).then_some(saved)
    }
}

impl MapStore {
    /// Sets the store up, as an operator does once with a database.
    pub(crate) fn set_up(&self) {
        self.state().format = Some(Format::CURRENT);
    }

    /// Locks the store: whoever holds this is alone with it, as in a transaction.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MapStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it holds is other people's secrets.
        f.write_str("MapStore")
    }
}
