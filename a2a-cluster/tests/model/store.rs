//! The store, as its contract describes it: one task's log, its claim, its watchers; and who is a member.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a::{StreamResponse, Task};
use a2a_core::{
    Claim, ClaimChange, Commit, CommitId, CommitRecord, InstanceId, MemberState, StoredTask, TaskHead,
    Version, reduce,
};

use crate::core::{CommitCall, Later, Seen};
use crate::digest::{START, digest};
use crate::names::Tag;

/// One commit in the log.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) record: Arc<CommitRecord>,
    /// The task after it.
    pub(crate) task: Arc<Task>,
    /// The claim after it.
    pub(crate) claim: Option<Claim>,
    /// The claim under which it was made: the one after it, or where it ends one, that one.
    pub(crate) under: Option<Claim>,
    pub(crate) tags: Vec<Tag>,
    /// Hash of the log up to here.
    pub(crate) chain: u64,
}

/// All that survives an instance.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) log: Vec<Arc<Entry>>,
    pub(crate) claim: Option<Claim>,
    pub(crate) watchers: BTreeSet<InstanceId>,
    pub(crate) members: Vec<MemberState>,
    /// Commits up to this version are no longer kept one by one.
    pub(crate) trimmed: Version,
    /// A webhook lacks something.
    pub(crate) lacking: bool,
}

impl Store {
    pub(crate) fn new(nodes: usize) -> Self {
        Store {
            log: vec![],
            claim: None,
            watchers: BTreeSet::new(),
            members: vec![MemberState::Serving; nodes],
            trimmed: Version::ABSENT,
            lacking: false,
        }
    }

    pub(crate) fn version(&self) -> Version {
        Version::new(self.log.len() as u64)
    }

    pub(crate) fn last(&self) -> Option<&Arc<Entry>> {
        self.log.last()
    }

    pub(crate) fn entry(&self, version: Version) -> Option<&Arc<Entry>> {
        self.log.get((version.get() as usize).checked_sub(1)?)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.last().is_some_and(|entry| entry.task.status.state.is_terminal())
    }

    /// At work: neither over nor waiting for its caller.
    pub(crate) fn is_at_work(&self) -> bool {
        self.last().is_some_and(|entry| !reduce::ends_turn(&entry.task.status.state))
    }

    /// Appends a commit if nothing came first; `false`: a conflict. A repeated one is applied once.
    pub(crate) fn commit(&mut self, call: &CommitCall) -> bool {
        if self.last().is_some_and(|entry| entry.record.id == call.id) {
            return true;
        }
        if call.after.version != self.version() {
            return false;
        }
        let record = record_of(call);
        let before = self.claim;
        self.claim = match call.claim {
            ClaimChange::Keep => before,
            ClaimChange::Make { instance, attempt } => Some(Claim { instance, attempt, by: call.id }),
            ClaimChange::End => None,
        };
        let chain =
            digest(&(self.last().map(|entry| entry.chain), &record, &call.task.status, call.claim), START);
        self.log.push(Arc::new(Entry {
            tags: call.events.iter().filter_map(Tag::of).collect(),
            record,
            task: Arc::clone(&call.task),
            claim: self.claim,
            under: if call.claim == ClaimChange::End { before } else { self.claim },
            chain,
        }));
        true
    }

    /// Appends an empty commit to a turn that is under way.
    pub(crate) fn fence(&mut self, id: CommitId) -> bool {
        let Some(last) = self.last().filter(|_| self.is_at_work()).cloned() else { return false };
        self.commit(&CommitCall {
            after: last.record.tip(),
            id,
            events: vec![],
            task: Arc::clone(&last.task),
            claim: ClaimChange::Keep,
            principal: None,
            caller: None,
            may_refuse: false,
        })
    }

    /// Whether the log holds this very commit; `None`: that part of the log is gone.
    pub(crate) fn holds(&self, call: &CommitCall) -> Option<bool> {
        let version = call.after.version.next();
        (version > self.trimmed).then(|| self.entry(version).is_some_and(|entry| entry.record.id == call.id))
    }

    pub(crate) fn made_by(&self, id: CommitId) -> Option<Version> {
        self.log.iter().find(|entry| entry.record.id == id).map(|entry| entry.record.version)
    }

    pub(crate) fn head(&self) -> Option<TaskHead> {
        let last = self.last()?;
        Some(TaskHead {
            state: last.task.status.state.clone(),
            principal: None,
            caller: None,
            claim: self.claim,
            generation: last.record.generation,
        })
    }

    pub(crate) fn load(&self) -> Option<Box<StoredTask>> {
        let last = self.last()?;
        Some(Box::new(StoredTask {
            task: Task::clone(&last.task),
            version: last.record.version,
            generation: last.record.generation,
            head: self.head()?,
        }))
    }

    pub(crate) fn watch(&mut self, who: InstanceId) -> Option<Box<StoredTask>> {
        let stored = self.load()?;
        self.watchers.insert(who);
        Some(stored)
    }

    pub(crate) fn after(&self, after: Version) -> Later {
        match self.load() {
            Some(stored) if after < self.trimmed => Later::Snapshot(Seen::of(&stored)),
            _ => Later::Commits(
                self.log.iter().skip(after.get() as usize).map(|entry| Arc::clone(&entry.record)).collect(),
            ),
        }
    }

    /// Tells whether a caller's message is in the log.
    pub(crate) fn has_message(&self, id: &str) -> bool {
        self.log.iter().flat_map(|entry| &entry.record.events).any(|event| match event {
            StreamResponse::Message(message) => message.message_id == id,
            _ => false,
        })
    }

    pub(crate) fn hash(&self) -> u64 {
        let chain = self.last().map(|entry| entry.chain);
        digest(&(chain, self.claim, &self.watchers, &self.members, self.trimmed, self.lacking), START)
    }
}

/// The log entry that a commit makes.
pub(crate) fn record_of(call: &CommitCall) -> Arc<CommitRecord> {
    Arc::clone(Commit::new(call.after, call.id, call.events.clone(), &call.task).record())
}
