//! A task as a test knows it: tells its life to a store, and knows what the store must answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a::{StreamResponse, Task, TaskState};
use a2a_core::{
    Commit, CommitId, CommitRecord, Executor, ExecutorChange, InstanceId, Outcome, Principal, StoredTask,
    TaskHead, TaskKey, TaskStore, Tenant, Version, reduce,
};

use super::{at, commit_id, task};
use crate::expect::persist;

/// The model of one task: what a correct store holds about it.
#[derive(Debug, Clone)]
pub struct Story {
    /// Where the task lives.
    pub key: TaskKey,
    /// The task now.
    pub task: Task,
    /// The number of commits so far.
    pub version: Version,
    /// The commits so far.
    pub log: Vec<Arc<CommitRecord>>,
    /// Who creates it.
    pub principal: Option<Principal>,
    /// Who runs it now.
    pub executor: Option<Executor>,
    /// The instances that watch it.
    pub watchers: BTreeSet<InstanceId>,
}

/// A commit that owns what it says, so that it can be sent twice, or from many tasks.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The version that it expects.
    pub expected: Version,
    /// Its id.
    pub id: CommitId,
    /// Its events.
    pub events: Vec<StreamResponse>,
    /// What the task is after it.
    pub task: Task,
    /// What becomes of the executor.
    pub change: ExecutorChange,
    /// Who creates the task.
    pub principal: Option<Principal>,
}

impl Draft {
    /// Copies a commit.
    pub fn of(commit: &Commit<'_>) -> Self {
        Draft {
            expected: commit.expected(),
            id: commit.record().id,
            events: commit.record().events.clone(),
            task: commit.task().clone(),
            change: commit.executor_change(),
            principal: commit.principal().cloned(),
        }
    }

    /// Returns the commit.
    pub fn commit(&self) -> Commit<'_> {
        Commit::new(self.expected, self.id, self.events.clone(), &self.task)
            .executor(self.change)
            .created_by(self.principal.as_ref())
    }

    /// Sends the commit, again while the store asks for it.
    pub async fn send(&self, store: &dyn TaskStore, key: &TaskKey) -> Outcome {
        persist(|| store.commit(key, self.commit())).await
    }
}

impl Story {
    /// Imagines a submitted task in the default tenant, in context `c`, that no store knows yet.
    pub fn new(id: &str) -> Self {
        Story::about(TaskKey::new(Tenant::default(), id), "c")
    }

    /// Imagines a submitted task that no store knows yet.
    pub fn about(key: TaskKey, context: &str) -> Self {
        Story {
            task: task(&key.task_id, context, TaskState::Submitted, at(0)),
            key,
            version: Version::ABSENT,
            log: Vec::new(),
            principal: None,
            executor: None,
            watchers: BTreeSet::new(),
        }
    }

    /// Has the task created by this caller.
    #[must_use]
    pub fn by(mut self, principal: &str) -> Self {
        self.principal = Some(Principal::new(principal));
        self
    }

    /// Creates the task in a store.
    pub async fn begin(mut self, store: &dyn TaskStore) -> Self {
        let whole = StreamResponse::Task(self.task.clone());
        self.tell(store, vec![whole]).await;
        self
    }

    /// Makes the next commit without sending it.
    pub fn draft(&self, events: Vec<StreamResponse>) -> Draft {
        let mut task = self.task.clone();
        events.iter().for_each(|event| reduce::apply(&mut task, event));
        let (expected, principal) = (self.version, self.principal.clone());
        Draft { expected, id: commit_id(), events, task, change: ExecutorChange::Keep, principal }
    }

    /// Takes note that a store has applied this draft.
    pub fn accept(&mut self, draft: &Draft) {
        self.log.push(Arc::clone(draft.commit().record()));
        self.version = draft.expected.next();
        self.task.clone_from(&draft.task);
        match draft.change {
            ExecutorChange::Keep => {}
            ExecutorChange::Claim(executor) => self.executor = Some(executor),
            ExecutorChange::Release => self.executor = None,
        }
    }

    /// Commits events; the store must apply them.
    pub async fn tell(&mut self, store: &dyn TaskStore, events: Vec<StreamResponse>) {
        self.tell_with(store, events, ExecutorChange::Keep).await;
    }

    /// Commits events and a change of the executor; the store must apply them.
    pub async fn tell_with(
        &mut self,
        store: &dyn TaskStore,
        events: Vec<StreamResponse>,
        change: ExecutorChange,
    ) {
        let draft = Draft { change, ..self.draft(events) };
        let outcome = draft.send(store, &self.key).await;
        assert_eq!(outcome, Outcome::Applied(draft.expected.next()), "of a commit to {:?}", self.key);
        self.accept(&draft);
    }

    /// Returns what a store must hold about the task now.
    pub fn stored(&self) -> Option<StoredTask> {
        let head = self.head()?;
        Some(StoredTask { task: self.task.clone(), version: self.version, head })
    }

    /// Returns the head that a store must hold now.
    pub fn head(&self) -> Option<TaskHead> {
        (self.version != Version::ABSENT).then(|| TaskHead {
            state: self.task.status.state.clone(),
            principal: self.principal.clone(),
            executor: self.executor,
        })
    }
}
