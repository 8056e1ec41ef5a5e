//! Values spread over several locks, so that unrelated tasks rarely wait for each other.

use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

const SHARDS: usize = 32;

/// A fixed number of values, each behind a lock of its own, chosen by the hash of a key.
#[derive(Debug)]
pub(crate) struct Shards<T> {
    hasher: RandomState,
    locks: [Mutex<T>; SHARDS],
}

impl<T: Default> Default for Shards<T> {
    fn default() -> Self {
        Shards { hasher: RandomState::default(), locks: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl<T> Shards<T> {
    /// Locks the value that a key belongs to. Never held over an `await`, nor while another key's is taken.
    pub(crate) fn lock(&self, key: &impl Hash) -> MutexGuard<'_, T> {
        let hash = self.hasher.hash_one(key) as usize;
        let [first, ..] = &self.locks;
        lock(self.locks.get(hash % SHARDS).unwrap_or(first))
    }
}

/// Locks a value that is sound also where an earlier holder panicked: no critical section of this crate
/// leaves one half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
