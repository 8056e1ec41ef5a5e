//! Latches by name: an agent waits at one until a test opens it, so that no test depends on time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// The latches of some agents. One that was not opened yet is closed; one that is open stays open. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Latches(Arc<Mutex<HashMap<String, Latch>>>);

#[derive(Debug, Clone, Default)]
struct Latch {
    open: CancellationToken,
    reached: CancellationToken,
}

impl Latches {
    /// Lets those through that wait at a latch, and those that come later.
    pub fn open(&self, name: &str) {
        self.latch(name).open.cancel();
    }

    /// Waits until an agent has come to a latch, open or not. Cancel safe.
    pub async fn reached(&self, name: &str) {
        self.latch(name).reached.cancelled().await;
    }

    /// Waits until a latch is open. Cancel safe.
    pub(super) async fn pass(&self, name: &str) {
        let latch = self.latch(name);
        latch.reached.cancel();
        latch.open.cancelled().await;
    }

    /// Keeps the thread until a latch is open.
    pub(super) fn block_at(&self, name: &str) {
        let latch = self.latch(name);
        latch.reached.cancel();
        while !latch.open.is_cancelled() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    fn latch(&self, name: &str) -> Latch {
        let mut latches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        latches.entry(name.to_owned()).or_default().clone()
    }
}
