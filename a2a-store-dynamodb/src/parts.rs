//! Blobs of any size as items of bounded size: written first, counted only once something points to them.

use std::time::Duration;

use a2a_core::{Result, Trouble};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::items::part::{self, Common};
use crate::requests::calls::{Calls, Written};

/// How many parts are written at once.
const AT_ONCE: usize = 4;

/// From this size on a part is written at the pace of its partition.
const PACED: usize = 64 * 1024;

/// For how long a part is tried that its partition refuses. Whoever called may give up sooner, and come again.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes the parts of a blob, at the pace of their partition. Returns what that costs. What was written before it failed,
/// or was given up, is not written again under the same keys.
pub(crate) async fn write(calls: &Calls, common: Common<'_>, blob: &[u8]) -> Result<u64> {
    let pieces: Vec<&[u8]> =
        if blob.is_empty() { vec![blob] } else { blob.chunks(part::PART_BYTES).collect() };
    let mut writes = Vec::with_capacity(pieces.len());
    for (index, piece) in pieces.iter().enumerate() {
        writes.push(write_one(calls, common, index, piece).boxed());
    }
    stream::iter(writes).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(pieces.iter().map(|piece| part::units(piece.len())).sum())
}

async fn write_one(calls: &Calls, common: Common<'_>, index: usize, piece: &[u8]) -> Result<()> {
    let pace = calls.pace();
    if pace.has(common.prefix, index, piece) {
        return Ok(());
    }
    let (began, is_large) = (Instant::now(), piece.len() >= PACED);
    if is_large {
        sleep(pace.take(common.pk, part::units(piece.len()))).await;
    }
    loop {
        match calls.send_put(calls.put(part::item(common, index, piece))).await {
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
