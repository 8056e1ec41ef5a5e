//! Commits to a task in memory, one event each.

use a2a::{StreamResponse, Task};
use a2a_core::{Commit, CommitId, Outcome, SystemEnv, TaskStore, Tip, Version};
use a2a_store_memory::MemoryStore;

use super::sample;

pub(crate) struct Commits {
    task: Task,
    count: u64,
}

impl Commits {
    pub(crate) fn new(count: u64) -> Self {
        Commits { task: sample::task("task"), count }
    }

    /// Makes a task in a new store, and appends to it; returns its last version.
    pub(crate) async fn run(&self) -> Version {
        let (store, key) = (MemoryStore::new(), sample::key("task"));
        let mut tip = Tip::ABSENT;
        for n in 0..self.count {
            let event = match n {
                0 => StreamResponse::Task(self.task.clone()),
                n => sample::chunk("task", "context", n == 1),
            };
            let commit = Commit::new(tip, CommitId::generate(&SystemEnv), vec![event], &self.task);
            let next = commit.tip();
            match store.commit(&key, commit).await {
                Ok(Outcome::Applied(_)) => tip = next,
                other => panic!("nobody else writes: {other:?}"),
            }
        }
        tip.version
    }
}
