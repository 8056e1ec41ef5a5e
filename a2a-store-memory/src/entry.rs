//! One task as the store keeps it: its log, and the facts beside it.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a::Task;
use a2a_core::{CallerContext, Claim, InstanceId, Principal, StoredTask, TaskHead, Tip};

use crate::listing::{Owner, Row};
use crate::log::Log;
use crate::retention::Place;

/// A task, its facts, and where the indexes have it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) log: Log,
    pub(crate) owner: Arc<Owner>,
    pub(crate) row: Row,
    pub(crate) claim: Option<Claim>,
    pub(crate) caller: Option<Box<CallerContext>>,
    pub(crate) watchers: BTreeSet<InstanceId>,
    /// Set once the task is in a terminal state.
    pub(crate) finished: Option<Place>,
}

/// A task as it was at one moment, to be copied after the lock is released.
#[derive(Debug)]
pub(crate) struct Moment {
    pub(crate) task: Arc<Task>,
    tip: Tip,
    head: TaskHead,
}

impl Entry {
    pub(crate) fn head(&self) -> TaskHead {
        TaskHead {
            state: self.row.state.clone(),
            principal: self.owner.principal.clone(),
            caller: self.caller.clone(),
            claim: self.claim,
            generation: self.log.tip().generation,
        }
    }

    /// Tells whether this principal created the task.
    pub(crate) fn is_of(&self, principal: Option<&Principal>) -> bool {
        self.owner.principal.as_ref() == principal
    }

    pub(crate) fn moment(&mut self) -> Option<Moment> {
        Some(Moment { task: self.log.task()?, tip: self.log.tip(), head: self.head() })
    }
}

impl Moment {
    /// Copies the task: the one copy that a read makes.
    pub(crate) fn into_stored(self) -> StoredTask {
        let Tip { version, generation } = self.tip;
        StoredTask { task: Task::clone(&self.task), version, generation, head: self.head }
    }
}
