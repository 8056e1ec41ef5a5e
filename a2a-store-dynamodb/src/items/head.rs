//! The head item: the facts beside a task's content, where its snapshot lies and when it expires.

use std::collections::HashMap;

use a2a::{Task, TaskState};
use a2a_core::{
    BackendError, CallerContext, ClaimChange, Commit, Generation, Principal, Result, TaskHead, TaskKey,
    Version, first_task_of, reduce,
};

use crate::items::attributes::{
    Attributes, Change, EXPIRES, INCARNATION, Item, PK, SK, is_expired, number, text,
};
use crate::items::claim;
use crate::items::entry::Entry;
use crate::items::keys;
use crate::items::order;
use crate::items::payload;
use crate::items::shards;
use crate::items::snapshot::{COVERS, Snapshot};

/// The version at the last write of the head.
pub(crate) const VERSION: &str = "v";
/// The state's name.
pub(crate) const STATE: &str = "st";
/// The generation at the last write of the head.
pub(crate) const GENERATION: &str = "hn";
/// What an agent may know of its caller, as JSON.
const CALLER: &str = "ca";
/// The caller who created the task.
const PRINCIPAL: &str = "pr";
/// What marks the head of a deleted task: the name of the deletion.
pub(crate) const DELETED: &str = "del";
/// The index partition of the caller.
pub(crate) const BY_CALLER: &str = "gp";
/// The index partition of the caller's context.
pub(crate) const BY_CONTEXT: &str = "gc";
/// The position in both.
pub(crate) const POSITION: &str = "gs";
/// A task's head, as read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Head {
    pub(crate) incarnation: u64,
    /// The version at the last write of the head; the log may be longer.
    pub(crate) version: Version,
    pub(crate) facts: TaskHead,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) first_entry: Option<FirstEntry>,
    /// A turn has ended without a snapshot, or had when the head was written: the index of executors shows the task to
    /// everybody, until somebody makes up for that.
    pub(crate) awaits_snapshot: bool,
    pub(crate) expires: Option<i64>,
    /// The name of the deletion, where the task was deleted.
    pub(crate) deleted: Option<String>,
    /// What the names of all index partitions of the caller have in common.
    pub(crate) index_caller: String,
}

/// The first entry of the log, where it made all of the task and lies in the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FirstEntry {
    pub(crate) entry: Entry,
    /// The version up to which nothing has been added to it.
    pub(crate) covers: Version,
}

impl Head {
    /// Reads a head item.
    pub(crate) fn read(item: &Item) -> Result<Self> {
        let deleted = item.find_text(DELETED)?.map(str::to_owned);
        let state = match item.find_text(STATE)? {
            Some(name) => order::state_named(name)?,
            None if deleted.is_some() => TaskState::Unspecified,
            None => return Err(BackendError::corrupt("a head without a state")),
        };
        let facts = TaskHead {
            state,
            principal: item.find_text(PRINCIPAL)?.map(Principal::new),
            caller: read_caller(item)?,
            claim: claim::read(item)?,
            generation: Generation::new(item.find(GENERATION)?.unwrap_or_default()),
        };
        let first_entry = match &deleted {
            Some(_) => None,
            None => FirstEntry::read(item)?,
        };
        Ok(Head {
            incarnation: item.parse(INCARNATION)?,
            version: Version::new(item.find(VERSION)?.unwrap_or_default()),
            facts,
            snapshot: Snapshot::read(item)?,
            first_entry,
            awaits_snapshot: claim::awaits_snapshot(item)?,
            expires: item.find(EXPIRES)?,
            deleted,
            index_caller: shards::caller_of(item.find_text(BY_CALLER)?.unwrap_or_default()).to_owned(),
        })
    }

    /// Tells whether there is a task: it is neither deleted nor expired.
    pub(crate) fn is_visible(&self, now: i64) -> bool {
        self.deleted.is_none() && !is_expired(self.expires, now)
    }

    /// Tells whether the snapshot, or the entry in the head, is all there is: every commit to a task whose turn
    /// has ended writes the head in one transaction with its entry.
    pub(crate) fn is_complete(&self) -> bool {
        reduce::ends_turn(&self.facts.state) && self.covered() >= self.version
    }

    /// The version up to which the snapshot holds everything, or, without one, the entry in the head.
    pub(crate) fn covered(&self) -> Version {
        match (&self.snapshot, &self.first_entry) {
            (Some(snapshot), _) => snapshot.covers,
            (None, Some(first)) => first.covers,
            (None, None) => Version::ABSENT,
        }
    }

    /// The generation of the version that is covered. Beyond the entry in the head that covers no events.
    pub(crate) fn covered_generation(&self) -> Generation {
        match (&self.snapshot, &self.first_entry) {
            (Some(snapshot), _) => snapshot.generation,
            (None, Some(first)) => first.entry.generation,
            (None, None) => Generation::NONE,
        }
    }

    /// The version up to which the entry in the head holds everything, where there is one and no snapshot.
    pub(crate) fn first_covers(&self) -> Option<Version> {
        self.first_entry.as_ref().filter(|_| self.snapshot.is_none()).map(|first| first.covers)
    }

    /// A bound of the size, as JSON, of the task up to the version that is covered.
    pub(crate) fn covered_bytes(&self) -> u64 {
        match (&self.snapshot, &self.first_entry) {
            (Some(snapshot), _) => snapshot.bytes,
            (None, Some(first)) => first.entry.task_bytes,
            (None, None) => 0,
        }
    }
}

impl FirstEntry {
    fn read(item: &Item) -> Result<Option<Self>> {
        let Some(entry) = Entry::in_head(item)? else { return Ok(None) };
        let covers = item.find(COVERS)?.map_or(entry.version, Version::new);
        Ok(Some(FirstEntry { entry, covers }))
    }
}

fn read_caller(item: &Item) -> Result<Option<Box<CallerContext>>> {
    let json = item.find_text(CALLER)?;
    json.map(|json| payload::from_json("what an agent may know of its caller", json.as_bytes())).transpose()
}

/// What a commit does to the caller in the head: only a claim changes it, and an empty one takes no room.
pub(crate) fn caller_change(commit: &Commit<'_>) -> Result<Option<Change>> {
    let caller = commit.caller().filter(|_| matches!(commit.claim_change(), ClaimChange::Make { .. }));
    let Some(caller) = caller else { return Ok(None) };
    if caller.is_empty() {
        return Ok(Some((CALLER, None)));
    }
    let (json, limit) = (payload::to_text(caller)?, CallerContext::MAX_BYTES);
    if json.len() > limit {
        return Err(BackendError::TooLarge { what: "the caller's context", actual: json.len(), limit });
    }
    Ok(Some((CALLER, Some(text(json)))))
}

/// The head item of a new task, without what commits change.
///
/// The first task of a context that was named after it is found by its id: it needs no place in the index.
pub(crate) fn new_item(
    pk: &str,
    key: &TaskKey,
    incarnation: u64,
    task: &Task,
    principal: Option<&Principal>,
) -> Item {
    let mut item = HashMap::from([
        (PK.to_owned(), text(pk)),
        (SK.to_owned(), text(keys::HEAD)),
        (INCARNATION.to_owned(), number(incarnation)),
    ]);
    if first_task_of(&task.context_id).as_deref() != Some(&*key.task_id) {
        let partition = keys::context(&key.tenant, principal, &task.context_id);
        item.insert(BY_CONTEXT.to_owned(), text(partition));
    }
    if let Some(principal) = principal {
        item.insert(PRINCIPAL.to_owned(), text(principal.as_str()));
    }
    item
}

#[cfg(test)]
mod tests {
    use a2a::TaskStatus;

    use super::*;

    fn item() -> Item {
        let task = Task {
            id: "t".into(),
            context_id: "c".into(),
            status: TaskStatus { state: TaskState::Working, message: None, timestamp: None },
            artifacts: None,
            history: None,
            metadata: None,
        };
        let key = TaskKey::new(Default::default(), "t");
        let mut item = new_item("T##t", &key, 7, &task, Some(&Principal::new("ann")));
        item.insert(STATE.into(), text("WORKING"));
        item.insert(VERSION.into(), number(3));
        item
    }

    #[test]
    fn a_new_head_reads_back() {
        let head = Head::read(&item()).unwrap();
        assert_eq!((head.incarnation, head.version), (7, Version::new(3)));
        assert_eq!(head.facts.principal, Some(Principal::new("ann")));
        assert_eq!(head.facts.state, TaskState::Working);
        assert!(head.is_visible(i64::MAX) && !head.is_complete());
    }

    #[test]
    fn an_expired_or_deleted_head_is_no_task() {
        let mut item = item();
        item.insert(EXPIRES.into(), number(100));
        assert!(Head::read(&item).unwrap().is_visible(99));
        assert!(!Head::read(&item).unwrap().is_visible(100));
        item.remove(EXPIRES);
        item.insert(DELETED.into(), text("someone"));
        assert!(!Head::read(&item).unwrap().is_visible(0));
    }

    #[test]
    fn a_malformed_head_is_corrupt() {
        for broken in [INCARNATION, VERSION, GENERATION, claim::EXECUTOR, CALLER] {
            let mut item = item();
            item.insert(broken.into(), text("?"));
            assert!(matches!(Head::read(&item), Err(BackendError::Corrupt { .. })), "with a broken {broken}");
        }
    }
}
