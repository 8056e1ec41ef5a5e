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
    Ok((instance != shards::NOBODYS).then_some(claim))
}

/// The attributes of a task without a claim that has ended a turn and lacks its snapshot: the index of executors shows it to
/// everybody. Builds that do not know of this see the claim of an instance that is gone, and end it.
pub(crate) fn awaiting_snapshot() -> [Change; 3] {
    let nil = Uuid::nil().to_string();
    [(EXECUTOR, Some(text(shards::of_nobody()))), (ATTEMPT, Some(number(1))), (CLAIMED_BY, Some(text(nil)))]
}

/// Tells whether the task has no claim and lacks a snapshot.
pub(crate) fn awaits_snapshot(item: &Item) -> Result<bool> {
    Ok(executor(item)? == Some(shards::NOBODYS))
}

/// Reads whose partition of the index of executors has the task.
pub(crate) fn executor(item: &Item) -> Result<Option<InstanceId>> {
    let partition = item.find_text(EXECUTOR)?;
    let read = |name| shards::executor_of(name).ok_or_else(|| BackendError::corrupt("an executor"));
    partition.map(read).transpose()
}

/// The attributes of a claim on a task, or the removal of any.
pub(crate) fn attributes(claim: Option<&Claim>, task_id: &str) -> [Change; 3] {
    [
        (EXECUTOR, claim.map(|claim| text(shards::of_executor(&claim.instance, task_id)))),
        (ATTEMPT, claim.map(|claim| number(claim.attempt))),
        (CLAIMED_BY, claim.map(|claim| text(claim.by.to_string()))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_reads_back_and_has_a_name() {
        let uuid = |n| Uuid::from_u128(n);
        let by = CommitId::from_uuid(uuid(2));
        let claim = Claim { instance: InstanceId::from_uuid(uuid(1)), attempt: 3, by };
        let mut item = Item::new();
        for (name, value) in attributes(Some(&claim), "t") {
            item.extend(value.map(|value| (name.into(), value)));
        }
        assert_eq!(read(&item).unwrap(), Some(claim));
        assert!(!awaits_snapshot(&item).unwrap());
        assert_eq!(executor(&item).unwrap(), Some(claim.instance));
        item.remove(CLAIMED_BY);
        assert!(matches!(read(&item), Err(BackendError::Corrupt { .. })));
    }

    #[test]
    fn who_awaits_a_snapshot_has_no_claim_until_somebody_makes_one() {
        let mut item = Item::new();
        for (name, value) in awaiting_snapshot() {
            item.insert(name.into(), value.unwrap());
        }
        assert!(awaits_snapshot(&item).unwrap());
        assert_eq!(read(&item).unwrap(), None);
        let instance = InstanceId::from_uuid(Uuid::from_u128(1));
        let claim = Claim { instance, attempt: 1, by: CommitId::from_uuid(Uuid::from_u128(2)) };
        for (name, value) in attributes(Some(&claim), "t") {
            item.insert(name.into(), value.unwrap());
        }
        assert_eq!((awaits_snapshot(&item).unwrap(), read(&item).unwrap()), (false, Some(claim)));
    }
}
