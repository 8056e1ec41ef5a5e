//! The commit item: one entry of a task's log, and how it is read back, from an item of its own or from a head.

use std::collections::HashMap;

use a2a_core::{BackendError, ClaimChange, CommitId, Generation, Result, Version};
use uuid::Uuid;

use crate::items::attributes::{Attributes, EXPIRES, INCARNATION, Item, PK, SK, bytes, number, text};
use crate::items::keys;
use crate::items::part;
use crate::items::payload::Payload;

/// The commit's id.
pub(crate) const ID: &str = "id";
/// The events as JSON.
const PLAIN: &str = "j";
/// The events as compressed JSON.
const DEFLATED: &str = "d";
/// How the parts of a large commit are to be read: `j` or `d`, then their number.
const PARTS: &str = "n";
/// The task's generation after the commit.
const GENERATION: &str = "gn";
/// What the commit does to the claim: whose it is from now on and which attempt, or `-`.
const CHANGE: &str = "e";
/// What the commits since the last snapshot have cost, this one included.
const LOG_UNITS: &str = "lu";
/// A bound of the task's size as JSON.
const TASK_BYTES: &str = "tb";

/// One entry of a task's log, its events still packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) version: Version,
    pub(crate) incarnation: u64,
    pub(crate) generation: Generation,
    pub(crate) id: CommitId,
    pub(crate) change: ClaimChange,
    pub(crate) body: Body,
    pub(crate) log_units: u64,
    pub(crate) task_bytes: u64,
    pub(crate) expires: Option<i64>,
}

/// Where an entry's events are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// In the entry.
    Inline(Payload),
    /// In so many parts beside it.
    Parts { deflated: bool, parts: usize },
}

impl Body {
    /// What writing an entry with this body costs, its parts not included.
    pub(crate) fn units(&self) -> u64 {
        match self {
            Body::Inline(payload) => part::units(payload.bytes.len()),
            Body::Parts { .. } => part::units(0),
        }
    }
}

impl Entry {
    /// Makes the item.
    pub(crate) fn item(&self, pk: &str) -> Result<Item> {
        let mut item = self.attributes()?;
        item.insert(PK.to_owned(), text(pk));
        item.insert(SK.to_owned(), text(keys::commit(self.version)));
        item.insert(INCARNATION.to_owned(), number(self.incarnation));
        if let Some(expires) = self.expires {
            item.insert(EXPIRES.to_owned(), number(expires));
        }
        Ok(item)
    }

    /// Makes what the entry says beside what every item does.
    fn attributes(&self) -> Result<Item> {
        let mut item = self.in_head_attributes()?;
        item.insert(LOG_UNITS.to_owned(), number(self.log_units));
        match self.change {
            ClaimChange::Keep => {}
            ClaimChange::Make { instance, attempt } => {
                item.insert(CHANGE.to_owned(), text(format!("{instance}/{attempt}")));
            }
            ClaimChange::End => {
                item.insert(CHANGE.to_owned(), text("-"));
            }
        }
        Ok(item)
    }

    /// Makes what the entry says beside what the head that it lies in does: that tells the claim.
    pub(crate) fn in_head_attributes(&self) -> Result<Item> {
        let mut item = HashMap::from([
            (ID.to_owned(), text(self.id.to_string())),
            (GENERATION.to_owned(), number(self.generation)),
            (TASK_BYTES.to_owned(), number(self.task_bytes)),
        ]);
        match &self.body {
            Body::Inline(Payload { deflated: true, bytes: packed }) => {
                item.insert(DEFLATED.to_owned(), bytes(packed.as_slice()));
            }
            Body::Inline(Payload { deflated: false, bytes: json }) => {
                let json =
                    std::str::from_utf8(json).map_err(|_| BackendError::corrupt("JSON that is no text"))?;
                item.insert(PLAIN.to_owned(), text(json));
            }
            Body::Parts { deflated, parts } => {
                let kind = if *deflated { DEFLATED } else { PLAIN };
                item.insert(PARTS.to_owned(), text(format!("{kind}{parts}")));
            }
        }
        Ok(item)
    }

    /// Reads an item. `None` where it is no commit but the fence that a deletion leaves.
    pub(crate) fn read(item: &Item) -> Result<Option<Self>> {
        Entry::of(item, || keys::version_of(item.text(SK)?))
    }

    /// Reads the first entry of a log out of the head that holds it. `None` where it is an item of its own.
    pub(crate) fn in_head(head: &Item) -> Result<Option<Self>> {
        Entry::of(head, || Ok(Version::ABSENT.next()))
    }

    fn of(item: &Item, version: impl FnOnce() -> Result<Version>) -> Result<Option<Self>> {
        let Some(id) = id_of(item)? else { return Ok(None) };
        let body = if let Some(packed) = item.find_bytes(DEFLATED)? {
            Body::Inline(Payload { deflated: true, bytes: packed.to_vec() })
        } else if let Some(json) = item.find_text(PLAIN)? {
            Body::Inline(Payload { deflated: false, bytes: json.as_bytes().to_vec() })
        } else {
            let told = item.text(PARTS)?;
            let (deflated, parts) = match (told.strip_prefix(DEFLATED), told.strip_prefix(PLAIN)) {
                (Some(parts), _) => (true, parts),
                (_, Some(parts)) => (false, parts),
                _ => return Err(BackendError::corrupt("the parts of a commit")),
            };
            let parts = parts.parse().map_err(|_| BackendError::corrupt("the number of a commit's parts"))?;
            Body::Parts { deflated, parts }
        };
        Ok(Some(Entry {
            version: version()?,
            incarnation: item.parse(INCARNATION)?,
            generation: Generation::new(item.parse(GENERATION)?),
            id,
            change: read_change(item.find_text(CHANGE)?)?,
            body,
            log_units: item.find(LOG_UNITS)?.unwrap_or_default(),
            task_bytes: item.find(TASK_BYTES)?.unwrap_or_default(),
            expires: item.find(EXPIRES)?,
        }))
    }
}

/// The id of the commit that an item holds, if it holds one.
pub(crate) fn id_of(item: &Item) -> Result<Option<CommitId>> {
    Ok(item.find::<Uuid>(ID)?.map(CommitId::from_uuid))
}

fn read_change(change: Option<&str>) -> Result<ClaimChange> {
    let parsed = |told: &str| {
        let (instance, attempt) = told.split_once('/')?;
        Some(ClaimChange::Make { instance: instance.parse().ok()?, attempt: attempt.parse().ok()? })
    };
    match change {
        None => Ok(ClaimChange::Keep),
        Some("-") => Ok(ClaimChange::End),
        Some(told) => parsed(told).ok_or_else(|| BackendError::corrupt("the claim of a commit")),
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::InstanceId;

    use super::*;

    fn entry(version: u64) -> Entry {
        Entry {
            version: Version::new(version),
            incarnation: 5,
            generation: Generation::new(2 * version),
            id: CommitId::from_uuid(Uuid::from_u128(version.into())),
            change: ClaimChange::Keep,
            body: Body::Inline(Payload { deflated: false, bytes: b"[]".to_vec() }),
            log_units: 3,
            task_bytes: 4,
            expires: Some(9),
        }
    }

    #[test]
    fn an_entry_reads_back() {
        let made = ClaimChange::Make { instance: InstanceId::from_uuid(Uuid::from_u128(1)), attempt: 2 };
        let changes = [ClaimChange::Keep, ClaimChange::End, made];
        let bodies = [
            Body::Inline(Payload { deflated: false, bytes: b"[]".to_vec() }),
            Body::Inline(Payload { deflated: true, bytes: vec![0, 255] }),
            Body::Parts { deflated: true, parts: 7 },
            Body::Parts { deflated: false, parts: 54 },
        ];
        for change in changes {
            for body in &bodies {
                let entry = Entry { change, body: body.clone(), ..entry(1) };
                assert_eq!(Entry::read(&entry.item("p").unwrap()).unwrap(), Some(entry));
            }
        }
    }

    #[test]
    fn a_broken_entry_is_corrupt() {
        for (name, value) in
            [(ID, "no uuid"), (GENERATION, "?"), (CHANGE, "nobody"), (INCARNATION, "?"), (SK, "C#x")]
        {
            let mut item = entry(1).item("p").unwrap();
            item.insert(name.to_owned(), text(value));
            assert!(Entry::read(&item).is_err(), "with a broken {name}");
        }
    }
}
