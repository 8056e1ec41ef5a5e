//! Where a snapshot lies, as its head tells it.

use a2a_core::{BackendError, CommitId, Generation, Result, Version};

use crate::items::attributes::{Attributes, Change, Item, bytes, number, text};
use crate::items::keys;

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

impl Snapshot {
    /// Reads what a head tells of its snapshot.
    pub(crate) fn read(item: &Item) -> Result<Option<Self>> {
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

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
            let mut item = Item::new();
            for (name, value) in snapshot.attributes() {
                item.extend(value.map(|value| (name.to_owned(), value)));
            }
            assert_eq!(Snapshot::read(&item).unwrap(), Some(snapshot));
        }
    }
}
