//! The in-memory store behind a counter, for one instance that may die.
//!
//! Units follow the layout of `a2a-store-dynamodb` without compression and snapshots: a log entry for each commit, a
//! head that is written with those commits that change it, or holds the one commit of a task that ends with it, and an
//! item for each watcher.

mod deployment;
mod members;
mod tasks;
mod webhooks;

use std::future::pending;
use std::sync::Arc;

use a2a_store_memory::MemoryStore;
use tokio_util::sync::CancellationToken;

use super::counters::{Counters, units};

const WRITE_UNIT: usize = 1024;
const READ_UNIT: usize = 4096;
/// A head: state, timestamps, context, principal, executor.
const HEAD_BYTES: usize = 300;
/// A watcher's item.
const WATCHER_BYTES: usize = 100;

/// A store whose calls are counted.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) store: Arc<MemoryStore>,
    pub(super) counters: Counters,
    /// From then on its instance is dead: no call of it ends.
    pub(super) dead: CancellationToken,
}

impl Counted {
    async fn alive(&self) {
        if self.dead.is_cancelled() {
            pending().await
        }
    }
}

fn json_bytes(value: &impl serde::Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

fn write_units(bytes: usize) -> f64 {
    units(bytes, WRITE_UNIT)
}

fn read_units(bytes: usize) -> f64 {
    units(bytes, READ_UNIT)
}
