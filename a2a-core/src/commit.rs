//! A commit: an ordered batch of events applied to one task at once, and its fate.

use std::sync::Arc;

use a2a::{StreamResponse, Task, TaskState};
use serde::{Deserialize, Serialize};

use crate::{CommitId, Generation, InstanceId, Version, reduce};

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
    /// The task's generation after it.
    pub generation: Generation,
    /// The writer's name for it.
    pub id: CommitId,
    /// What happened, in order. Empty where only the claim changed.
    pub events: Vec<StreamResponse>,
}

impl CommitRecord {
    /// The tip of the log after this commit.
    pub fn tip(&self) -> Tip {
        Tip { version: self.version, generation: self.generation }
    }

    /// The task's generation before the event at an index, counting from 0, or after the last one.
    pub fn generation_before(&self, index: usize) -> Generation {
        let later = self.events.iter().skip(index).filter(|event| reduce::is_streamed(event)).count();
        // No commit has 2^64 events.
        Generation::new(self.generation.get().saturating_sub(later as u64))
    }

    /// Returns the state that the last status in this commit set, if any did.
    pub fn state(&self) -> Option<&TaskState> {
        self.events.iter().rev().find_map(reduce::state_of)
    }

    /// Tells whether the task ended with this commit.
    pub fn is_terminal(&self) -> bool {
        self.state().is_some_and(TaskState::is_terminal)
    }
}

/// The right to run the agent of a task, as the store's head records it.
///
/// Named by the commit that made it, so that neither two claims of one instance nor two lives of one task id can
/// be confused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The instance that holds it: the task's executor.
    pub instance: InstanceId,
    /// How often an agent was started for this turn: 1 at first, one more at each take-over of a lost executor.
    pub attempt: u32,
    /// The commit that made it.
    pub by: CommitId,
}

/// What a commit does to the claim in the task's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimChange {
    /// Leaves it as it is.
    Keep,
    /// Makes a claim, in the place of any other. The commit names it.
    Make {
        /// Who is to run the agent.
        instance: InstanceId,
        /// Which start of an agent in this turn it is; see [`Claim::attempt`].
        attempt: u32,
    },
    /// Ends it: nobody runs the task from now on.
    End,
}

/// The end of a task's log: what the next commit follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Tip {
    /// The number of commits.
    pub version: Version,
    /// The number of events that streams have carried.
    pub generation: Generation,
}

impl Tip {
    /// The tip of a task that does not exist.
    pub const ABSENT: Tip = Tip { version: Version::ABSENT, generation: Generation::NONE };
}

/// One commit: what must be true, what happened, what the task became, who runs it from now on.
#[derive(Debug, Clone)]
pub struct Commit<'a> {
    record: Arc<CommitRecord>,
    task: &'a Task,
    claim: ClaimChange,
    principal: Option<&'a crate::Principal>,
    caller: Option<&'a crate::CallerContext>,
}

impl<'a> Commit<'a> {
    /// Describes the commit that follows `after`, and counts the events that streams will carry of it.
    ///
    /// `task` is what the task is once `events` have been applied to it; a backend stores whichever of the
    /// two is cheap for it. The caller has folded them with [`reduce::apply`].
    pub fn new(after: Tip, id: CommitId, events: Vec<StreamResponse>, task: &'a Task) -> Self {
        let streamed = events.iter().filter(|event| reduce::is_streamed(event)).count();
        let generation = after.generation.advanced(streamed);
        let record = Arc::new(CommitRecord { version: after.version.next(), generation, id, events });
        Commit { record, task, claim: ClaimChange::Keep, principal: None, caller: None }
    }

    /// Changes the task's claim with this commit.
    #[must_use]
    pub fn claim(mut self, change: ClaimChange) -> Self {
        self.claim = change;
        self
    }

    /// Names the caller who creates the task. Read only by the commit that makes version 1.
    #[must_use]
    pub fn created_by(mut self, principal: Option<&'a crate::Principal>) -> Self {
        self.principal = principal;
        self
    }

    /// Keeps what the agent may know of the caller whose turn begins. Read only by a commit that makes a claim;
    /// `None` leaves what is kept.
    #[must_use]
    pub fn called_by(mut self, caller: Option<&'a crate::CallerContext>) -> Self {
        self.caller = caller;
        self
    }

    /// The version that the task must have now.
    pub fn expected(&self) -> Version {
        Version::new(self.record.version.get().saturating_sub(1))
    }

    /// The tip of the log once this commit is applied.
    pub fn tip(&self) -> Tip {
        self.record.tip()
    }

    /// The log entry that this commit appends.
    pub fn record(&self) -> &Arc<CommitRecord> {
        &self.record
    }

    /// What the task is after this commit.
    pub fn task(&self) -> &'a Task {
        self.task
    }

    /// What becomes of the task's claim.
    pub fn claim_change(&self) -> ClaimChange {
        self.claim
    }

    /// The claim in the head after this commit, where it was `before`.
    pub fn claim_after(&self, before: Option<Claim>) -> Option<Claim> {
        match self.claim {
            ClaimChange::Keep => before,
            ClaimChange::Make { instance, attempt } => Some(Claim { instance, attempt, by: self.record.id }),
            ClaimChange::End => None,
        }
    }

    /// Who created the task.
    pub fn principal(&self) -> Option<&'a crate::Principal> {
        self.principal
    }

    /// What the agent may know of the caller whose turn this commit begins.
    pub fn caller(&self) -> Option<&'a crate::CallerContext> {
        self.caller
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
