//! Gates by name: an agent waits at one until a test opens it, so that no test depends on time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// The gates of some agents. One that was not opened yet is closed; one that is open stays open. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Gates(Arc<Mutex<HashMap<String, Gate>>>);

#[derive(Debug, Clone, Default)]
struct Gate {
    open: CancellationToken,
    reached: CancellationToken,
}

impl Gates {
    /// Lets those through that wait at a gate, and those that come later.
    pub fn open(&self, name: &str) {
        self.gate(name).open.cancel();
    }

    /// Waits until an agent has come to a gate, open or not. Cancel safe.
    pub async fn reached(&self, name: &str) {
        self.gate(name).reached.cancelled().await;
    }

    /// Waits until a gate is open. Cancel safe.
    pub(super) async fn pass(&self, name: &str) {
        let gate = self.gate(name);
        gate.reached.cancel();
        gate.open.cancelled().await;
    }

    /// Keeps the thread until a gate is open.
    pub(super) fn block_at(&self, name: &str) {
        let gate = self.gate(name);
        gate.reached.cancel();
        while !gate.open.is_cancelled() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    fn gate(&self, name: &str) -> Gate {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gates.entry(name.to_owned()).or_default().clone()
    }
}
