//! One write of an item at a time.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use tokio::sync::{Mutex, MutexGuard};

/// Items share this many locks.
const STRIPES: u64 = 4_096;

/// Locks of all items.
#[derive(Debug)]
pub(super) struct Locks(Vec<Mutex<()>>);

impl Locks {
    pub(super) fn new() -> Self {
        Locks((0..STRIPES).map(|_| Mutex::new(())).collect())
    }

    /// Waits for some items, each named by its table and its key. They are taken in one order by everybody, so that
    /// nobody waits in a circle.
    pub(super) async fn hold<'a>(
        &'a self,
        items: impl Iterator<Item = (&str, &str)>,
    ) -> Vec<MutexGuard<'a, ()>> {
        let stripes: BTreeSet<u64> = items.map(stripe).collect();
        let mut held = Vec::with_capacity(stripes.len());
        for stripe in stripes {
            if let Some(lock) = usize::try_from(stripe).ok().and_then(|stripe| self.0.get(stripe)) {
                held.push(lock.lock().await);
            }
        }
        held
    }
}

fn stripe(item: (&str, &str)) -> u64 {
    let mut hasher = DefaultHasher::new();
    item.hash(&mut hasher);
    hasher.finish() % STRIPES
}
