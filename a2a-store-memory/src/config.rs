//! How much the store keeps.

use std::time::Duration;

/// The bounds of a store.
///
/// ```
/// use a2a_store_memory::{MemoryStore, MemoryStoreConfig};
///
/// let store = MemoryStore::with_config(MemoryStoreConfig::default().finished_tasks(100));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryStoreConfig {
    pub(crate) finished_tasks: usize,
    pub(crate) finished_log_bytes: usize,
    pub(crate) log_commits: usize,
    pub(crate) log_bytes: usize,
    pub(crate) given_up: usize,
    pub(crate) executing_page: usize,
    pub(crate) commit_spacing: Duration,
}

impl Default for MemoryStoreConfig {
    fn default() -> Self {
        MemoryStoreConfig {
            finished_tasks: 10_000,
            finished_log_bytes: 16 << 20,
            log_commits: 16_384,
            log_bytes: 8 << 20,
            given_up: 1_000,
            executing_page: 256,
            commit_spacing: Duration::ZERO,
        }
    }
}

impl MemoryStoreConfig {
    /// Sets how many tasks in a terminal state are kept, by default 10,000. Beyond that the one that finished
    /// first is deleted. Running and parked tasks are never deleted and do not count.
    #[must_use]
    pub fn finished_tasks(mut self, tasks: usize) -> Self {
        self.finished_tasks = tasks;
        self
    }

    /// Sets how many bytes of content the logs of all tasks in a terminal state may have together, by default
    /// 16 MiB. Beyond that the task that finished first is kept without its log: who reads its commits gets the
    /// whole task instead.
    #[must_use]
    pub fn finished_log_bytes(mut self, bytes: usize) -> Self {
        self.finished_log_bytes = bytes;
        self
    }

    /// Sets how many commits of each task are kept for replays, by default 16,384. The last one always is.
    ///
    /// A reader that falls further behind gets the whole task again, in the midst of its stream: keep more than
    /// a slow reader may lag behind a fast agent.
    #[must_use]
    pub fn log_commits(mut self, commits: usize) -> Self {
        self.log_commits = commits;
        self
    }

    /// Sets how many bytes of content the commits of each task may have that are kept for replays, by
    /// default 8 MiB. The last commit is always kept.
    #[must_use]
    pub fn log_bytes(mut self, bytes: usize) -> Self {
        self.log_bytes = bytes;
        self
    }

    /// Sets how many deliveries are listed that were given up, by default 1,000. Beyond that the one that was given
    /// up first is forgotten.
    #[must_use]
    pub fn given_up_deliveries(mut self, deliveries: usize) -> Self {
        self.given_up = deliveries;
        self
    }

    /// Sets how many tasks are on a page of what an instance executes, at least 1, by default 256. Fewer are for tests
    /// that want several pages of few tasks.
    #[must_use]
    pub fn executing_page(mut self, tasks: usize) -> Self {
        self.executing_page = tasks.max(1);
        self
    }

    /// Sets how far apart commits of a task should begin, by default no time at all: what
    /// [`TaskStore::commit_spacing`](a2a_core::TaskStore::commit_spacing) answers. To try what a store does to a
    /// stream that is paid for by the commit.
    #[must_use]
    pub fn commit_spacing(mut self, spacing: Duration) -> Self {
        self.commit_spacing = spacing;
        self
    }
}
