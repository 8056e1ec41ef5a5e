//! Tasks of which this instance may hold a claim although nobody here works on them: left to others by a shutdown, or
//! claimed by a commit whose outcome is unknown.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use a2a_core::TaskKey;

/// The tasks that somebody has to look after.
#[derive(Debug, Default)]
pub(crate) struct Unattended(Mutex<BTreeSet<TaskKey>>);

impl Unattended {
    /// Notes a task.
    pub(crate) fn note(&self, key: &TaskKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
    }

    /// Takes what was noted.
    pub(crate) fn take(&self) -> BTreeSet<TaskKey> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
