//! Gates by name: an agent waits at one until a test opens it, so that no test depends on time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;

/// All gates of a fleet. A gate that nobody has named yet is closed; one that is open stays open.
#[derive(Debug, Clone, Default)]
pub struct Gates(Arc<Mutex<HashMap<String, CancellationToken>>>);

impl Gates {
    /// Lets through who waits at a gate, and who comes later.
    ///
    /// # Panics
    ///
    /// When a thread panicked at the gates before.
    pub fn open(&self, name: &str) {
        self.gate(name).cancel();
    }

    /// Waits until a gate is open. Cancel safe.
    pub(super) async fn pass(&self, name: &str) {
        self.gate(name).cancelled().await;
    }

    fn gate(&self, name: &str) -> CancellationToken {
        self.0.lock().unwrap().entry(name.to_owned()).or_default().clone()
    }
}
