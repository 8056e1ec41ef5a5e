//! A commit: an ordered batch of events applied to one task at once, and its fate.

use std::sync::Arc;

use a2a::{StreamResponse, Task, TaskState};
use serde::{Deserialize, Serialize};

use crate::{CommitId, InstanceId, Version, reduce};

/// The most events that one commit holds.
pub const MAX_EVENTS: usize = 100;

/// The size in bytes at which a batch is closed. A single event may be larger.
pub const TARGET_BYTES: usize = 200 * 1024;

/// One entry of a task's log: what happened.
///
/// Shared behind an [`Arc`] from the commit to the last stream that reads it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CommitRecord {
    /// The version that this commit made.
    pub version: Version,
    /// The writer's name for it.
    pub id: CommitId,
    /// What happened, in order. Empty where only the executor changed.
    pub events: Vec<StreamResponse>,
}

impl CommitRecord {
    /// Returns the state that the last status in this commit set, if any did.
    pub fn state(&self) -> Option<&TaskState> {
        self.events.iter().rev().find_map(reduce::state_of)
    }

    /// Tells whether the task ended with this commit.
    pub fn is_terminal(&self) -> bool {
        self.state().is_some_and(TaskState::is_terminal)
    }
}

/// The instance that runs the agent for a task, as the store records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Executor {
    /// The instance.
    pub instance: InstanceId,
    /// How often an agent was started for this turn: 1 at first, one more at each take-over.
    pub attempt: u32,
}

impl Executor {
    /// The executor of a turn's first attempt.
    pub const fn first(instance: InstanceId) -> Self {
        Executor { instance, attempt: 1 }
    }
}

/// What a commit does to the recorded executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutorChange {
    /// Leaves it as it is.
    Keep,
    /// Records this one from now on.
    Claim(Executor),
    /// Records that nobody runs the task from now on.
    Release,
}

/// One commit: what must be true, what happened, what the task became, who runs it from now on.
#[derive(Debug, Clone)]
pub struct Commit<'a> {
    record: Arc<CommitRecord>,
    task: &'a Task,
    executor: ExecutorChange,
    principal: Option<&'a crate::Principal>,
}

impl<'a> Commit<'a> {
    /// Describes the commit that follows `expected`.
    ///
    /// `task` is what the task is once `events` have been applied to it; a backend stores whichever of the
    /// two is cheap for it. The caller has folded them with [`reduce::apply`].
    pub fn new(expected: Version, id: CommitId, events: Vec<StreamResponse>, task: &'a Task) -> Self {
        let record = Arc::new(CommitRecord { version: expected.next(), id, events });
        Commit { record, task, executor: ExecutorChange::Keep, principal: None }
    }

    /// Changes the recorded executor with this commit.
    #[must_use]
    pub fn executor(mut self, change: ExecutorChange) -> Self {
        self.executor = change;
        self
    }

    /// Names the caller who creates the task. Read only by the commit that makes version 1.
    #[must_use]
    pub fn created_by(mut self, principal: Option<&'a crate::Principal>) -> Self {
        self.principal = principal;
        self
    }

    /// The version that the task must have now.
    pub fn expected(&self) -> Version {
        Version::new(self.record.version.get().saturating_sub(1))
    }

    /// The log entry that this commit appends.
    pub fn record(&self) -> &Arc<CommitRecord> {
        &self.record
    }

    /// What the task is after this commit.
    pub fn task(&self) -> &'a Task {
        self.task
    }

    /// What becomes of the recorded executor.
    pub fn executor_change(&self) -> ExecutorChange {
        self.executor
    }

    /// Who created the task.
    pub fn principal(&self) -> Option<&'a crate::Principal> {
        self.principal
    }
}

/// The fate of a commit.
#[must_use = "a commit that met a conflict was not applied"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The commit is in the log and made this version.
    Applied(Version),
    /// Somebody else's commit came first; nothing was written.
    Conflict {
        /// The task's version, at least as it was when this commit lost. [`Version::ABSENT`] where the task
        /// does not exist.
        actual: Version,
    },
}

/// The commits after a version, or that they are no longer kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Replay {
    /// All of them, in order, without a hole. Empty where there are none.
    Commits(Vec<Arc<CommitRecord>>),
    /// Some are no longer kept: the task as it is now takes their place.
    Snapshot(Box<crate::StoredTask>),
}
