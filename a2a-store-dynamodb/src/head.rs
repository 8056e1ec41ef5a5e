//! The head item: the facts beside a task's content, where its snapshot lies and when it expires.

use std::collections::HashMap;

use a2a::{Task, TaskState};
use a2a_core::{
    BackendError, CallerContext, Claim, ClaimChange, Commit, CommitId, Generation, InstanceId, Principal,
    Result, TaskHead, TaskKey, Version, reduce,
};
use uuid::Uuid;

use crate::attributes::{Attributes, Change, EXPIRES, INCARNATION, Item, PK, SK, is_expired, number, text};
use crate::log::Entry;
use crate::{keys, order, payload};

/// The version at the last write of the head.
pub(crate) const VERSION: &str = "v";
/// The state's name.
pub(crate) const STATE: &str = "st";
/// The generation at the last write of the head.
pub(crate) const GENERATION: &str = "hn";
/// The claim's instance; the key of the index of executors.
pub(crate) const EXECUTOR: &str = "ex";
/// The claim's attempt.
const ATTEMPT: &str = "ea";
/// The commit that made the claim.
const CLAIMED_BY: &str = "eb";
/// What an agent may know of its caller, as JSON.
const CALLER: &str = "ca";
/// The caller who created the task.
const PRINCIPAL: &str = "pr";
/// The context, for people who look at the table.
const CONTEXT: &str = "cx";
/// What marks the head of a deleted task: the name of the deletion.
pub(crate) const DELETED: &str = "del";
/// The index partition of the caller.
pub(crate) const BY_CALLER: &str = "gp";
/// The index partition of the caller's context.
pub(crate) const BY_CONTEXT: &str = "gc";
/// The position in both.
pub(crate) const POSITION: &str = "gs";
/// The version up to which the snapshot holds everything, or, without one, the entry in the head.
pub(crate) const COVERS: &str = "sv";
/// What the sort keys of the snapshot's parts begin with.
pub(crate) const LOCATION: &str = "ss";
/// The number of the snapshot's parts without, and with artifacts.
pub(crate) const PARTS: &str = "sn";
/// What the snapshot cost to write.
pub(crate) const UNITS: &str = "su";
/// The size of the task in the snapshot, as JSON.
pub(crate) const SIZE: &str = "sj";
/// The generation up to which the snapshot holds everything.
const SNAPSHOT_GENERATION: &str = "sg";
/// When the snapshot's parts expire.
pub(crate) const SNAPSHOT_EXPIRES: &str = "sx";

/// A task's head, as read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Head {
    pub(crate) incarnation: u64,
    /// The version at the last write of the head; the log may be longer.
    pub(crate) version: Version,
    pub(crate) facts: TaskHead,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) whole: Option<Whole>,
    pub(crate) expires: Option<i64>,
    /// The name of the deletion, where the task was deleted.
    pub(crate) deleted: Option<String>,
}

/// The first entry of the log, where it made all of the task and lies in the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) entry: Entry,
    /// The version up to which nothing has been added to it.
    pub(crate) covers: Version,
}

/// Where a snapshot lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The version up to which it holds everything.
    pub(crate) covers: Version,
    /// The generation of that version.
    pub(crate) generation: Generation,
    /// What the sort keys of its parts begin with.
    pub(crate) location: String,
    /// How many parts hold the task's own content, and how many its artifacts.
    pub(crate) parts: (usize, usize),
    /// What it cost to write.
    pub(crate) units: u64,
    /// The size of the task in it, as JSON.
    pub(crate) bytes: u64,
    /// When its parts expire, if they do.
    pub(crate) expires: Option<i64>,
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
            claim: read_claim(item)?,
            generation: Generation::new(item.find(GENERATION)?.unwrap_or_default()),
        };
        let whole = match &deleted {
            Some(_) => None,
            None => Whole::read(item)?,
        };
        Ok(Head {
            incarnation: item.parse(INCARNATION)?,
            version: Version::new(item.find(VERSION)?.unwrap_or_default()),
            facts,
            snapshot: Snapshot::read(item)?,
            whole,
            expires: item.find(EXPIRES)?,
            deleted,
        })
    }

    /// Tells whether there is a task: it is neither deleted nor expired.
    pub(crate) fn is_visible(&self, now: i64) -> bool {
        self.deleted.is_none() && !is_expired(self.expires, now)
    }

    /// Tells whether the snapshot, or the entry in the head, is all there is: every commit to a task whose turn
    /// has ended writes the head.
    pub(crate) fn is_settled(&self) -> bool {
        reduce::ends_turn(&self.facts.state) && self.covered() >= self.version
    }

    /// The version up to which the snapshot holds everything, or, without one, the entry in the head.
    pub(crate) fn covered(&self) -> Version {
        match (&self.snapshot, &self.whole) {
            (Some(snapshot), _) => snapshot.covers,
            (None, Some(whole)) => whole.covers,
            (None, None) => Version::ABSENT,
        }
    }

    /// The generation of the version that is covered. Beyond the entry in the head that covers no events.
    pub(crate) fn covered_generation(&self) -> Generation {
        match (&self.snapshot, &self.whole) {
            (Some(snapshot), _) => snapshot.generation,
            (None, Some(whole)) => whole.entry.generation,
            (None, None) => Generation::NONE,
        }
    }

    /// The version up to which the entry in the head holds everything, where there is one and no snapshot.
    pub(crate) fn covers_itself(&self) -> Option<Version> {
        self.whole.as_ref().filter(|_| self.snapshot.is_none()).map(|whole| whole.covers)
    }

    /// A bound of the size, as JSON, of the task up to the version that is covered.
    pub(crate) fn covered_bytes(&self) -> u64 {
        match (&self.snapshot, &self.whole) {
            (Some(snapshot), _) => snapshot.bytes,
            (None, Some(whole)) => whole.entry.task_bytes,
            (None, None) => 0,
        }
    }
}

impl Whole {
    fn read(item: &Item) -> Result<Option<Self>> {
        let Some(entry) = Entry::in_head(item)? else { return Ok(None) };
        let covers = item.find(COVERS)?.map_or(entry.version, Version::new);
        Ok(Some(Whole { entry, covers }))
    }
}

impl Snapshot {
    fn read(item: &Item) -> Result<Option<Self>> {
        let Some(location) = item.find_text(LOCATION)? else { return Ok(None) };
        let parts = item
            .text(PARTS)?
            .split_once('+')
            .and_then(|(own, artifacts)| Some((own.parse().ok()?, artifacts.parse().ok()?)))
            .ok_or_else(|| BackendError::corrupt("the number of a snapshot's parts"))?;
        Ok(Some(Snapshot {
            covers: Version::new(item.parse(COVERS)?),
            generation: Generation::new(item.parse(SNAPSHOT_GENERATION)?),
            location: location.to_owned(),
            parts,
            units: item.parse(UNITS)?,
            bytes: item.parse(SIZE)?,
            expires: item.find(SNAPSHOT_EXPIRES)?,
        }))
    }

    /// Names a new place for a snapshot of this version.
    pub(crate) fn location(version: Version, id: CommitId) -> String {
        keys::snapshot(version, id)
    }

    /// The attributes that point to it, `None` for those that are to be removed.
    pub(crate) fn attributes(&self) -> [Change; 7] {
        [
            (COVERS, Some(number(self.covers))),
            (SNAPSHOT_GENERATION, Some(number(self.generation))),
            (LOCATION, Some(text(&self.location))),
            (PARTS, Some(text(format!("{}+{}", self.parts.0, self.parts.1)))),
            (UNITS, Some(number(self.units))),
            (SIZE, Some(number(self.bytes))),
            (SNAPSHOT_EXPIRES, self.expires.map(number)),
        ]
    }
}

fn read_claim(item: &Item) -> Result<Option<Claim>> {
    let Some(instance) = item.find::<InstanceId>(EXECUTOR)? else { return Ok(None) };
    let by = CommitId::from_uuid(item.parse::<Uuid>(CLAIMED_BY)?);
    Ok(Some(Claim { instance, attempt: item.parse(ATTEMPT)?, by }))
}

/// The attributes of a claim, or the removal of any.
pub(crate) fn claim_attributes(claim: Option<&Claim>) -> [Change; 3] {
    [
        (EXECUTOR, claim.map(|claim| text(claim.instance.to_string()))),
        (ATTEMPT, claim.map(|claim| number(claim.attempt))),
        (CLAIMED_BY, claim.map(|claim| text(claim.by.to_string()))),
    ]
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

/// The head item of a new task, without claim and snapshot.
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
        (BY_CALLER.to_owned(), text(keys::caller(&key.tenant, principal))),
        (BY_CONTEXT.to_owned(), text(keys::context(&key.tenant, principal, &task.context_id))),
        (CONTEXT.to_owned(), text(&task.context_id)),
    ]);
    if let Some(principal) = principal {
        item.insert(PRINCIPAL.to_owned(), text(principal.as_str()));
    }
    item
}

#[cfg(test)]
mod tests {
    use a2a::TaskStatus;
    use uuid::Uuid;

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
        assert!(head.is_visible(i64::MAX) && !head.is_settled());
    }

    #[test]
    fn a_snapshot_reads_back() {
        let snapshot = Snapshot {
            covers: Version::new(3),
            generation: Generation::new(7),
            location: Snapshot::location(Version::new(3), CommitId::from_uuid(Uuid::nil())),
            parts: (1, 12),
            units: 4000,
            bytes: 9_000_000,
            expires: Some(9),
        };
        let mut item = item();
        for (name, value) in snapshot.attributes() {
            item.insert(name.into(), value.unwrap());
        }
        assert_eq!(Head::read(&item).unwrap().snapshot, Some(snapshot));
    }

    #[test]
    fn a_claim_reads_back_and_is_none_without_its_name() {
        let uuid = |n| Uuid::from_u128(n);
        let by = CommitId::from_uuid(uuid(2));
        let claim = Claim { instance: InstanceId::from_uuid(uuid(1)), attempt: 3, by };
        let mut item = item();
        for (name, value) in claim_attributes(Some(&claim)) {
            item.insert(name.into(), value.unwrap());
        }
        assert_eq!(Head::read(&item).unwrap().facts.claim, Some(claim));
        item.remove(CLAIMED_BY);
        assert!(matches!(Head::read(&item), Err(BackendError::Corrupt { .. })));
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
        for broken in [INCARNATION, VERSION, GENERATION, EXECUTOR, CALLER] {
            let mut item = item();
            item.insert(broken.into(), text("?"));
            assert!(matches!(Head::read(&item), Err(BackendError::Corrupt { .. })), "with a broken {broken}");
        }
    }
}
