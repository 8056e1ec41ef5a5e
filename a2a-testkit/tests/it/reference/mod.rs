//! Backends so simple that they are right at sight: one lock around plain maps. A second opinion on the
//! contracts, and what the broken backends break.

mod bus;
mod fixture;
mod members;
mod tasks;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use a2a_core::{CommitRecord, InstanceId, Member, Principal, PushSubscription, StoredTask, TaskKey, Tenant};
use tokio::time::Instant;

pub(crate) use bus::{BOUND, ReferenceBus, ReferenceHub};
pub(crate) use fixture::{Location, Meeting};

/// A store. Clones share its location.
#[derive(Clone, Default)]
pub(crate) struct Reference(Arc<Mutex<State>>);

/// Everything at a location.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) tasks: BTreeMap<TaskKey, Entry>,
    pub(crate) members: BTreeMap<InstanceId, Member>,
    pub(crate) claims: BTreeMap<(Tenant, Option<Principal>, String), Claim>,
}

/// Everything about one task.
pub(crate) struct Entry {
    pub(crate) stored: StoredTask,
    pub(crate) watchers: BTreeSet<InstanceId>,
    pub(crate) log: Vec<Arc<CommitRecord>>,
    pub(crate) webhooks: BTreeMap<String, PushSubscription>,
}

/// Who holds a message id, until when.
pub(crate) struct Claim {
    pub(crate) holder: String,
    pub(crate) until: Instant,
}

impl Reference {
    /// Locks the location.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl std::fmt::Debug for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reference")
    }
}
