//! A commit that owns what it says, so that it can be sent twice, or from many tasks.

use a2a::{StreamResponse, Task};
use a2a_core::{
    CallerContext, ClaimChange, Commit, CommitId, Outcome, Principal, TaskKey, TaskStore, Tip, Version,
};

use crate::expect::persist;

/// A commit before it is sent.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What it follows: the version that it expects.
    pub after: Tip,
    /// Its id.
    pub id: CommitId,
    /// Its events.
    pub events: Vec<StreamResponse>,
    /// What the task is after it.
    pub task: Task,
    /// What becomes of the claim.
    pub change: ClaimChange,
    /// Who creates the task.
    pub principal: Option<Principal>,
    /// What the agent may know of the caller whose turn begins.
    pub caller: Option<CallerContext>,
}

impl Draft {
    /// Copies a commit.
    pub fn of(commit: &Commit<'_>) -> Self {
        let events = commit.record().events.clone();
        let generation = commit.record().generation_before(0);
        Draft {
            after: Tip { version: commit.expected(), generation },
            id: commit.record().id,
            events,
            task: commit.task().clone(),
            change: commit.claim_change(),
            principal: commit.principal().cloned(),
            caller: commit.caller().cloned(),
        }
    }

    /// Returns the same commit, expecting another version.
    #[must_use]
    pub fn expecting(mut self, version: u64) -> Self {
        self.after.version = Version::new(version);
        self
    }

    /// Returns the commit.
    pub fn commit(&self) -> Commit<'_> {
        Commit::new(self.after, self.id, self.events.clone(), &self.task)
            .claim(self.change)
            .created_by(self.principal.as_ref())
            .called_by(self.caller.as_ref())
    }

    /// The version that it makes.
    pub fn next(&self) -> Version {
        self.after.version.next()
    }

    /// Sends the commit, again while the store asks for it.
    pub async fn send(&self, store: &dyn TaskStore, key: &TaskKey) -> Outcome {
        persist(|| store.commit(key, self.commit())).await
    }
}

#[cfg(test)]
mod tests {
    use a2a::Part;

    use super::*;
    use crate::sample::{TaskModel, claim, instance, message};

    #[test]
    fn a_copy_is_the_same_commit() {
        let mut model = TaskModel::new("t").by("ann");
        let birth = model.draft(vec![StreamResponse::Task(model.task.clone())]);
        model.accept(&birth);
        let events = vec![
            message(&model.task, "m", vec![Part::text("x")]),
            crate::sample::chunk(&model.task, "a", vec![Part::text("x")], false),
        ];
        let caller = Some(CallerContext::default());
        let draft = Draft { change: claim(instance()), caller, ..model.draft(events) };
        for draft in [birth, draft] {
            let copy = Draft::of(&draft.commit());
            assert_eq!(copy.commit().record(), draft.commit().record());
            assert_eq!(copy.commit().expected(), draft.commit().expected());
            assert_eq!(copy.commit().claim_change(), draft.commit().claim_change());
            assert_eq!(copy.commit().principal(), draft.commit().principal());
            assert_eq!(copy.commit().caller(), draft.commit().caller());
        }
    }
}
