//! The part: some of a blob that is too large for one item.

use std::collections::HashMap;

use a2a_core::{BackendError, Result};

use crate::items::attributes::{Attributes, EXPIRES, INCARNATION, Item, PK, SK, bytes, number, text};
use crate::items::keys;

/// The most bytes that one item holds of a blob: room is left for its other attributes under 400 KB.
pub(crate) const PART_BYTES: usize = 300 * 1024;

/// The bytes of a part.
const DATA: &str = "d";

/// What all parts of one blob have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Common<'a> {
    pub(crate) pk: &'a str,
    /// What their sort keys begin with.
    pub(crate) prefix: &'a str,
    pub(crate) incarnation: u64,
    pub(crate) expires: Option<i64>,
}

/// How many parts a blob of this size makes; an empty one makes one.
pub(crate) fn count(size: usize) -> usize {
    size.div_ceil(PART_BYTES).max(1)
}

/// What a write of an item with this much content costs.
pub(crate) fn units(size: usize) -> u64 {
    const OTHER_ATTRIBUTES: usize = 160;
    (size + OTHER_ATTRIBUTES).div_ceil(1024) as u64
}

/// Makes the item of one part.
pub(crate) fn item(common: Common<'_>, index: usize, piece: &[u8]) -> Item {
    let mut item = HashMap::from([
        (PK.to_owned(), text(common.pk)),
        (SK.to_owned(), text(keys::part(common.prefix, index))),
        (INCARNATION.to_owned(), number(common.incarnation)),
        (DATA.to_owned(), bytes(piece)),
    ]);
    if let Some(expires) = common.expires {
        item.insert(EXPIRES.to_owned(), number(expires));
    }
    item
}

/// Joins the parts that a query has found, in the order of their keys. `None` where some are missing.
pub(crate) fn join<'a>(items: impl IntoIterator<Item = &'a Item>, parts: usize) -> Result<Option<Vec<u8>>> {
    let mut blob = Vec::new();
    let mut found = 0;
    for item in items {
        let piece = item.find_bytes(DATA)?.ok_or_else(|| BackendError::corrupt("a part without data"))?;
        blob.extend_from_slice(piece);
        found += 1;
    }
    Ok((found == parts).then_some(blob))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_split_and_joined() {
        let common = Common { pk: "p", prefix: "X#", incarnation: 1, expires: None };
        for size in [1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES - 1] {
            let blob: Vec<u8> = (0..size).map(|n| n as u8).collect();
            let items: Vec<Item> = blob
                .chunks(PART_BYTES)
                .enumerate()
                .map(|(index, piece)| item(common, index, piece))
                .collect();
            assert_eq!(items.len(), count(size));
            assert_eq!(join(&items, items.len()).unwrap(), Some(blob));
            assert_eq!(join(&items, items.len() + 1).unwrap(), None, "with a part missing");
        }
    }

    #[test]
    fn parts_sort_in_their_order() {
        let keys: Vec<String> = (0..2_000).map(|index| keys::part("X#", index)).collect();
        assert!(keys.is_sorted());
    }
}
