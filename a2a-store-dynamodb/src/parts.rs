//! Blobs of any size as items of bounded size: written first, counted only once something points to them.

use std::collections::HashMap;
use std::time::Duration;

use a2a_core::{BackendError, Result, Trouble};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::attributes::{Attributes, EXPIRES, INCARNATION, Item, PK, SK, bytes, number, text};
use crate::calls::{Calls, Written};
use crate::keys;

/// The most bytes that one item holds of a blob: room is left for its other attributes under 400 KB.
pub(crate) const PART_BYTES: usize = 300 * 1024;

/// How many parts are written at once.
const AT_ONCE: usize = 4;

/// From this size on a part is written at the pace of its partition.
const PACED: usize = 64 * 1024;

/// For how long a part is tried that its partition refuses. Whoever called may give up sooner, and come again.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// Writes the parts of a blob, at the pace of their partition. Returns what that costs. What was written before it failed,
/// or was given up, is not written again under the same keys.
pub(crate) async fn write(calls: &Calls, common: Common<'_>, blob: &[u8]) -> Result<u64> {
    let pieces: Vec<&[u8]> = if blob.is_empty() { vec![blob] } else { blob.chunks(PART_BYTES).collect() };
    let mut writes = Vec::with_capacity(pieces.len());
    for (index, piece) in pieces.iter().enumerate() {
        writes.push(write_one(calls, common, index, piece).boxed());
    }
    stream::iter(writes).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    calls.pace().complete(common.prefix);
    Ok(pieces.iter().map(|piece| units(piece.len())).sum())
}

async fn write_one(calls: &Calls, common: Common<'_>, index: usize, piece: &[u8]) -> Result<()> {
    let pace = calls.pace();
    if pace.has(common.prefix, index, piece) {
        return Ok(());
    }
    let (began, is_large) = (Instant::now(), piece.len() >= PACED);
    if is_large {
        sleep(pace.take(common.pk, units(piece.len()))).await;
    }
    loop {
        match calls.send_put(calls.put(item(common, index, piece))).await {
            Ok(Written::Done | Written::Unmet(_)) => break,
            Err(error)
                if is_large && error.trouble() == Some(Trouble::Throttled) && began.elapsed() < PATIENCE =>
            {
                sleep(pace.refused(common.pk)).await;
            }
            Err(error) => return Err(error),
        }
    }
    if is_large {
        pace.note(common.prefix, index, piece);
    }
    Ok(())
}

fn item(common: Common<'_>, index: usize, piece: &[u8]) -> Item {
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
