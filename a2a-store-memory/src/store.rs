//! The handle: clones of it are the same store.

use std::fmt;
use std::sync::Arc;

use crate::Config;
use crate::location::Location;

/// A store in this process' memory. Clones share its contents; the last one to go takes them along.
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
    pub fn with_config(config: Config) -> Self {
        MemoryStore { location: Arc::new(Location { config, ..Location::default() }) }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The contents are other people's secrets.
        f.debug_struct("MemoryStore").field("config", &self.location.config).finish_non_exhaustive()
    }
}
