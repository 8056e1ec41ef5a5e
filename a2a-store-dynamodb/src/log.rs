//! The log of a task: queries of its entries, and their events unpacked.

use std::sync::Arc;

use a2a::StreamResponse;
use a2a_core::{CommitRecord, Result, Version};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

use crate::items::attributes::{Item, text};
use crate::items::entry::{Body, Entry};
use crate::items::payload::{self, Payload};
use crate::items::{keys, part};
use crate::requests::calls::Calls;

/// Begins a query of the log after a version, in order.
pub(crate) fn after(calls: &Calls, pk: &str, version: Version) -> QueryFluentBuilder {
    calls
        .query()
        .consistent_read(true)
        .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
        .expression_attribute_values(":pk", text(pk))
        .expression_attribute_values(":first", text(keys::commit(version.next())))
        .expression_attribute_values(":last", text(keys::commit(Version::new(u64::MAX))))
}

/// Reads those items that are entries of one incarnation.
pub(crate) fn entries(items: &[Item], incarnation: u64) -> Result<Vec<Entry>> {
    let mut entries = Vec::with_capacity(items.len());
    for item in items {
        entries.extend(Entry::read(item)?.filter(|entry| entry.incarnation == incarnation));
    }
    Ok(entries)
}

/// How many of these entries follow `after` without a hole.
pub(crate) fn contiguous(entries: &[Entry], after: Version) -> usize {
    let expected = std::iter::successors(Some(after.next()), |version| Some(version.next()));
    entries.iter().zip(expected).take_while(|(entry, version)| entry.version == *version).count()
}

/// Unpacks the events, with the parts read from the table where there are any. `None` where they are gone.
pub(crate) async fn unpack(entry: Entry, calls: &Calls, pk: &str) -> Result<Option<Arc<CommitRecord>>> {
    let payload = match entry.body {
        Body::Inline(payload) => payload,
        Body::Parts { deflated, parts } => {
            let items = calls.all(calls.range(pk, &keys::commit_parts(entry.id))).await?;
            let Some(bytes) = part::join(&items, parts)? else { return Ok(None) };
            Payload { deflated, bytes }
        }
    };
    let events: Vec<StreamResponse> =
        payload::unpack("the events of a commit", payload, entry.task_bytes).await?;
    let (version, generation, id) = (entry.version, entry.generation, entry.id);
    Ok(Some(Arc::new(CommitRecord { version, generation, id, events })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use a2a_core::{ClaimChange, CommitId, Generation};
    use uuid::Uuid;

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
    fn entries_count_up_to_the_first_hole() {
        let log = [entry(3), entry(4), entry(6)];
        assert_eq!(contiguous(&log, Version::new(2)), 2);
        assert_eq!(contiguous(&log, Version::new(3)), 0);
        assert_eq!(contiguous(&log, Version::new(1)), 0);
    }
}
