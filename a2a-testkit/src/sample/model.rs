//! The model of a task: it writes its commits to a store, and knows what the store must answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a::{StreamResponse, Task, TaskState};
use a2a_core::{
    CallerContext, Claim, ClaimChange, CommitRecord, Generation, InstanceId, Outcome, Principal, StoredTask,
    TaskHead, TaskKey, TaskStore, Tenant, Tip, Version, reduce,
};

use super::{Draft, at, commit_id, task};

/// The model of one task: what a correct store holds about it.
#[derive(Debug, Clone)]
pub struct TaskModel {
    /// Where the task lives.
    pub key: TaskKey,
    /// The task now.
    pub task: Task,
    /// The number of commits so far.
    pub version: Version,
    /// The number of events that streams have carried so far.
    pub generation: Generation,
    /// The commits so far.
    pub log: Vec<Arc<CommitRecord>>,
    /// Who creates it.
    pub principal: Option<Principal>,
    /// What the agent may know of the caller.
    pub caller: Option<CallerContext>,
    /// Who may run it now.
    pub claim: Option<Claim>,
    /// The last claim, where a commit ended it: it may stand in the head until that is next written.
    pub ended: Option<Claim>,
    /// The task's generation when its last claim was made.
    pub claimed_at: Generation,
    /// The instances that watch it.
    pub watchers: BTreeSet<InstanceId>,
}

impl TaskModel {
    /// Imagines a submitted task in the default tenant, in context `c`, that no store knows yet.
    pub fn new(id: &str) -> Self {
        TaskModel::about(TaskKey::new(Tenant::default(), id), "c")
    }

    /// Imagines a submitted task that no store knows yet.
    pub fn about(key: TaskKey, context: &str) -> Self {
        TaskModel {
            task: task(&key.task_id, context, TaskState::Submitted, at(0)),
            key,
            version: Version::ABSENT,
            generation: Generation::NONE,
            log: Vec::new(),
            principal: None,
            caller: None,
            claim: None,
            ended: None,
            claimed_at: Generation::NONE,
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

    /// The end of the log: what the next commit follows.
    pub fn tip(&self) -> Tip {
        Tip { version: self.version, generation: self.generation }
    }

    /// Makes the next commit without sending it.
    pub fn draft(&self, events: Vec<StreamResponse>) -> Draft {
        let mut task = self.task.clone();
        events.iter().for_each(|event| reduce::apply(&mut task, event));
        let (id, change, principal) = (commit_id(), ClaimChange::Keep, self.principal.clone());
        Draft { after: self.tip(), id, events, task, change, principal, caller: None }
    }

    /// Takes note that a store has applied this draft.
    pub fn accept(&mut self, draft: &Draft) {
        let commit = draft.commit();
        self.log.push(Arc::clone(commit.record()));
        (self.version, self.generation) = (commit.tip().version, commit.tip().generation);
        self.task.clone_from(&draft.task);
        let before = self.claim;
        self.claim = commit.claim_after(before);
        match draft.change {
            ClaimChange::Keep => {}
            ClaimChange::Make { .. } => {
                (self.ended, self.claimed_at) = (None, self.generation);
                self.caller = draft.caller.clone().or(self.caller.take());
            }
            ClaimChange::End => self.ended = before.or(self.ended),
        }
    }

    /// Takes note that a store has released a claim.
    pub fn released(&mut self, claim: &Claim) {
        self.claim.take_if(|current| current == claim);
        self.ended.take_if(|ended| ended == claim);
    }

    /// Commits events; the store must apply them.
    pub async fn tell(&mut self, store: &dyn TaskStore, events: Vec<StreamResponse>) {
        self.tell_with(store, events, ClaimChange::Keep).await;
    }

    /// Commits events and a change of the claim; the store must apply them.
    pub async fn tell_with(
        &mut self,
        store: &dyn TaskStore,
        events: Vec<StreamResponse>,
        change: ClaimChange,
    ) {
        let draft = Draft { change, ..self.draft(events) };
        let outcome = draft.send(store, &self.key).await;
        assert_eq!(outcome, Outcome::Applied(draft.next()), "of a commit to {:?}", self.key);
        self.accept(&draft);
    }

    /// Returns what a store must hold about the task now, where it writes the head with each commit.
    pub fn stored(&self) -> Option<StoredTask> {
        let head = self.head()?;
        let (task, version, generation) = (self.task.clone(), self.version, self.generation);
        Some(StoredTask { task, version, generation, head })
    }

    /// Returns the head that a store must hold now, where it writes the head with each commit.
    pub fn head(&self) -> Option<TaskHead> {
        (self.version != Version::ABSENT).then(|| TaskHead {
            state: self.task.status.state.clone(),
            principal: self.principal.clone(),
            caller: self.caller.clone().map(Box::new),
            claim: self.claim,
            generation: self.generation,
        })
    }

    /// Returns what a store must hold about the task now, in the words of its answer where it is free to choose.
    pub fn stored_as(&self, answer: Option<&StoredTask>) -> Option<StoredTask> {
        let mut stored = self.stored()?;
        if let Some(answer) = answer {
            stored.head = self.chosen(stored.head, &answer.head);
        }
        Some(stored)
    }

    /// Returns the head that a store must hold now, in the words of its answer where it is free to choose.
    pub fn head_as(&self, answer: Option<&TaskHead>) -> Option<TaskHead> {
        let head = self.head()?;
        Some(match answer {
            Some(answer) => self.chosen(head, answer),
            None => head,
        })
    }

    /// A store that rarely writes the head may show a claim that ended, an earlier state of a turn that goes on, and an
    /// earlier generation: not one from before the claim.
    fn chosen(&self, mut head: TaskHead, answer: &TaskHead) -> TaskHead {
        if self.claim.is_none() && answer.claim == self.ended {
            head.claim = self.ended;
        }
        if !reduce::ends_turn(&head.state) && !reduce::ends_turn(&answer.state) {
            head.state = answer.state.clone();
        }
        if (self.claimed_at..=self.generation).contains(&answer.generation) {
            head.generation = answer.generation;
        }
        head
    }
}
