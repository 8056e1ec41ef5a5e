//! The claim on a task, as its head tells it.

use a2a_core::{BackendError, Claim, CommitId, InstanceId, Result};
use uuid::Uuid;

use crate::items::attributes::{Attributes, Change, Item, number, text};
use crate::items::shards;

/// The claim's instance, and the partition of the index of executors that has the task.
pub(crate) const EXECUTOR: &str = "ex";
/// The claim's attempt.
const ATTEMPT: &str = "ea";
/// The commit that made the claim.
const CLAIMED_BY: &str = "eb";
/// Reads the claim that a head tells.
pub(crate) fn read(item: &Item) -> Result<Option<Claim>> {
    let Some(instance) = executor(item)? else { return Ok(None) };
    let by = CommitId::from_uuid(item.parse::<Uuid>(CLAIMED_BY)?);
    let claim = Claim { instance, attempt: item.parse(ATTEMPT)?, by };
    Ok((!awaits_snapshot(item)).then_some(claim))
}

/// The attribute of a claim that has ended, on a task that lacks a snapshot. Nothing where no claim is left.
pub(crate) fn ended_early() -> Change {
    (AWAITS_SNAPSHOT, Some(number(1)))
}

/// Tells whether the head is in the index of executors because its task lacks a snapshot.
pub(crate) fn awaits_snapshot(item: &Item) -> bool {
    item.contains_key(EXECUTOR) && item.contains_key(AWAITS_SNAPSHOT)
}

/// Reads whose partition of the index of executors has the task.
pub(crate) fn executor(item: &Item) -> Result<Option<InstanceId>> {
    let partition = item.find_text(EXECUTOR)?;
    let read = |name| shards::executor_of(name).ok_or_else(|| BackendError::corrupt("an executor"));
    partition.map(read).transpose()
}

/// Tells that the claim has ended, and is kept so that the index of executors shows the task: it lacks a snapshot.
///
/// Builds that do not know this attribute see a claim that a dead executor left.
const AWAITS_SNAPSHOT: &str = "ew";

/// The attributes of a claim on a task, or the removal of any.
pub(crate) fn attributes(claim: Option<&Claim>, task_id: &str) -> [Change; 4] {
    [
        (AWAITS_SNAPSHOT, None),
        (EXECUTOR, claim.map(|claim| text(shards::of_executor(&claim.instance, task_id)))),
        (ATTEMPT, claim.map(|claim| number(claim.attempt))),
        (CLAIMED_BY, claim.map(|claim| text(claim.by.to_string()))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_reads_back_until_it_has_ended() {
        let uuid = |n| Uuid::from_u128(n);
        let by = CommitId::from_uuid(uuid(2));
        let claim = Claim { instance: InstanceId::from_uuid(uuid(1)), attempt: 3, by };
        let mut item = Item::new();
        for (name, value) in attributes(Some(&claim), "t") {
            item.extend(value.map(|value| (name.into(), value)));
        }
        assert_eq!(read(&item).unwrap(), Some(claim));
        assert!(!awaits_snapshot(&item));
        let (name, value) = ended_early();
        item.insert(name.into(), value.unwrap());
        assert_eq!(read(&item).unwrap(), None);
        assert!(awaits_snapshot(&item));
        assert_eq!(executor(&item).unwrap(), Some(claim.instance));
        item.remove(CLAIMED_BY);
        assert!(matches!(read(&item), Err(BackendError::Corrupt { .. })));
    }
}
