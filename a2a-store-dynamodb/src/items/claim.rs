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
    let Some(by) = item.find::<Uuid>(CLAIMED_BY)? else { return Ok(None) };
    Ok(Some(Claim { instance, attempt: item.parse(ATTEMPT)?, by: CommitId::from_uuid(by) }))
}

/// Reads whose partition of the index of executors has the task.
pub(crate) fn executor(item: &Item) -> Result<Option<InstanceId>> {
    let partition = item.find_text(EXECUTOR)?;
    let read = |name| shards::executor_of(name).ok_or_else(|| BackendError::corrupt("an executor"));
    partition.map(read).transpose()
}

/// The attributes of a claim on a task, or the removal of any. A head that waits for its snapshot keeps the executor alone.
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
    fn a_claim_reads_back_and_is_none_without_its_name() {
        let uuid = |n| Uuid::from_u128(n);
        let by = CommitId::from_uuid(uuid(2));
        let claim = Claim { instance: InstanceId::from_uuid(uuid(1)), attempt: 3, by };
        let mut item = Item::new();
        for (name, value) in attributes(Some(&claim), "t") {
            item.insert(name.into(), value.unwrap());
        }
        assert_eq!(read(&item).unwrap(), Some(claim));
        item.remove(CLAIMED_BY);
        assert_eq!(read(&item).unwrap(), None);
        assert_eq!(executor(&item).unwrap(), Some(claim.instance));
        item.insert(EXECUTOR.into(), text("?"));
        assert!(matches!(read(&item), Err(BackendError::Corrupt { .. })));
    }
}
