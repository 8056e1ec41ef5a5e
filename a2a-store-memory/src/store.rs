//! The handle: clones of it are the same store.

use std::fmt;
use std::sync::Arc;

use crate::MemoryStoreConfig;
use crate::location::Location;

/// A store in this process' memory. Clones share its contents; the last one to go takes them along.
///
/// ```
/// use a2a::{StreamResponse, Task, TaskState, TaskStatus};
/// use a2a_core::{Commit, CommitId, Outcome, SystemEnv, TaskKey, TaskStore, Tenant, Tip, Version};
/// use a2a_store_memory::MemoryStore;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let status = TaskStatus { state: TaskState::Submitted, message: None, timestamp: None };
/// let (artifacts, history, metadata) = (None, None, None);
/// let task = Task { id: "t".into(), context_id: "c".into(), status, artifacts, history, metadata };
/// let key = TaskKey::new(Tenant::default(), "t");
///
/// let store = MemoryStore::new();
/// let events = vec![StreamResponse::Task(task.clone())];
/// let commit = Commit::new(Tip::ABSENT, CommitId::generate(&SystemEnv), events, &task);
/// assert_eq!(store.commit(&key, commit).await?, Outcome::Applied(Version::new(1)));
/// assert_eq!(store.clone().load(&key).await?.map(|stored| stored.task), Some(task));
/// # Ok::<_, a2a_core::BackendError>(()) }).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore {
    pub(crate) location: Arc<Location>,
}

impl MemoryStore {
    /// Makes an empty store with the default bounds.
    pub fn new() -> Self {
        MemoryStore::default()
    }

    /// Makes an empty store with these bounds.
    pub fn with_config(config: MemoryStoreConfig) -> Self {
        MemoryStore { location: Arc::new(Location { config, ..Location::default() }) }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The contents are other people's secrets.
        f.debug_struct("MemoryStore").field("config", &self.location.config).finish_non_exhaustive()
    }
}
