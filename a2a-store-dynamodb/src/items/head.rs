//! The head item: the facts beside a task's content, where its snapshot lies and when it expires.

use std::collections::HashMap;

use a2a::{Task, TaskState};
use a2a_core::{
    BackendError, CallerContext, Claim, ClaimChange, Commit, CommitId, Generation, Principal, Result,
    TaskHead, TaskKey, Version, first_task_of, reduce,
};
use uuid::Uuid;

use crate::items::attributes::{
    Attributes, Change, EXPIRES, INCARNATION, Item, PK, SK, bytes, is_expired, number, text,
};
use crate::items::entry::Entry;
use crate::items::keys;
use crate::items::order;
use crate::items::payload;
use crate::items::shards;

/// The version at the last write of the head.
pub(crate) const VERSION: &str = "v";
/// The state's name.
pub(crate) const STATE: &str = "st";
/// The generation at the last write of the head.
pub(crate) const GENERATION: &str = "hn";
/// The claim's instance, and the partition of the index of executors that has the task.
pub(crate) const EXECUTOR: &str = "ex";
/// The claim's attempt.
const ATTEMPT: &str = "ea";
/// The commit that made the claim.
const CLAIMED_BY: &str = "eb";
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
/// The snapshot itself, where it is small.
const SNAPSHOT: &str = "sd";

/// A task's head, as read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Head {
    pub(crate) incarnation: u64,
    /// The version at the last write of the head; the log may be longer.
    pub(crate) version: Version,
    pub(crate) facts: TaskHead,
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) first_entry: Option<FirstEntry>,
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

/// A snapshot, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The version up to which it holds everything.
    pub(crate) covers: Version,
    /// The generation of that version.
    pub(crate) generation: Generation,
    pub(crate) place: Place,
    /// What it cost to write.
    pub(crate) units: u64,
    /// The size of the task in it, as JSON.
    pub(crate) bytes: u64,
}

/// Where a snapshot lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the head, packed.
    Head(Vec<u8>),
    /// In items of its own.
    Items {
        /// What their sort keys begin with.
        location: String,
        /// How many hold the task's own content, and how many its artifacts.
        parts: (usize, usize),
        /// When they expire, if they do.
        expires: Option<i64>,
    },
}

impl Place {
    /// Tells whether both are the same items.
    pub(crate) fn is_same_as(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::Items { location: own, .. }, Place::Items { location: others, .. }) => own == others,
            _ => false,
        }
    }
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

impl Snapshot {
    fn read(item: &Item) -> Result<Option<Self>> {
        let place = if let Some(packed) = item.find_bytes(SNAPSHOT)? {
            Place::Head(packed.to_vec())
        } else if let Some(location) = item.find_text(LOCATION)? {
            let parts = item
                .text(PARTS)?
                .split_once('+')
                .and_then(|(own, artifacts)| Some((own.parse().ok()?, artifacts.parse().ok()?)))
                .ok_or_else(|| BackendError::corrupt("the number of a snapshot's parts"))?;
            Place::Items { location: location.to_owned(), parts, expires: item.find(SNAPSHOT_EXPIRES)? }
        } else {
            return Ok(None);
        };
        Ok(Some(Snapshot {
            covers: Version::new(item.parse(COVERS)?),
            generation: Generation::new(item.parse(SNAPSHOT_GENERATION)?),
            place,
            units: item.find(UNITS)?.unwrap_or_default(),
            bytes: item.parse(SIZE)?,
        }))
    }

    /// Names a new place for a snapshot of this version.
    pub(crate) fn location(version: Version, id: CommitId) -> String {
        keys::snapshot(version, id)
    }

    /// When what it consists of expires, before the head does.
    pub(crate) fn expires(&self) -> Option<i64> {
        match self.place {
            Place::Head(_) => None,
            Place::Items { expires, .. } => expires,
        }
    }

    /// The attributes that tell it, `None` for those that are to be removed.
    pub(crate) fn attributes(&self) -> [Change; 8] {
        let (own, location, parts, units, expires) = match &self.place {
            Place::Head(packed) => (Some(bytes(packed.as_slice())), None, None, None, None),
            Place::Items { location, parts: (own, artifacts), expires } => (
                None,
                Some(text(location)),
                Some(text(format!("{own}+{artifacts}"))),
                Some(number(self.units)),
                expires.map(number),
            ),
        };
        [
            (COVERS, Some(number(self.covers))),
            (SNAPSHOT_GENERATION, Some(number(self.generation))),
            (SNAPSHOT, own),
            (LOCATION, location),
            (PARTS, parts),
            (UNITS, units),
            (SIZE, Some(number(self.bytes))),
            (SNAPSHOT_EXPIRES, expires),
        ]
    }
}

fn read_claim(item: &Item) -> Result<Option<Claim>> {
    let Some(partition) = item.find_text(EXECUTOR)? else { return Ok(None) };
    let instance = shards::executor_of(partition).ok_or_else(|| BackendError::corrupt("an executor"))?;
    let by = CommitId::from_uuid(item.parse::<Uuid>(CLAIMED_BY)?);
    Ok(Some(Claim { instance, attempt: item.parse(ATTEMPT)?, by }))
}

/// The attributes of a claim on a task, or the removal of any.
pub(crate) fn claim_attributes(claim: Option<&Claim>, task_id: &str) -> [Change; 3] {
    [
        (EXECUTOR, claim.map(|claim| text(shards::of_executor(&claim.instance, task_id)))),
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
    use a2a_core::InstanceId;
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
        assert!(head.is_visible(i64::MAX) && !head.is_complete());
    }

    #[test]
    fn a_snapshot_reads_back_wherever_it_lies() {
        let location = Snapshot::location(Version::new(3), CommitId::from_uuid(Uuid::nil()));
        let beside = Place::Items { location, parts: (1, 12), expires: Some(9) };
        for (place, units) in [(beside, 4000), (Place::Head(vec![0, 255]), 0)] {
            let snapshot = Snapshot {
                covers: Version::new(3),
                generation: Generation::new(7),
                place,
                units,
                bytes: 9_000_000,
            };
            let mut item = item();
            for (name, value) in snapshot.attributes() {
                item.extend(value.map(|value| (name.to_owned(), value)));
            }
            assert_eq!(Head::read(&item).unwrap().snapshot, Some(snapshot));
        }
    }

    #[test]
    fn a_claim_reads_back_and_is_none_without_its_name() {
        let uuid = |n| Uuid::from_u128(n);
        let by = CommitId::from_uuid(uuid(2));
        let claim = Claim { instance: InstanceId::from_uuid(uuid(1)), attempt: 3, by };
        let mut item = item();
        for (name, value) in claim_attributes(Some(&claim), "t") {
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
