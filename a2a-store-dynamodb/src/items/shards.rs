//! Which partition of an index has a task: as many for each kind of entry as keep any of them far from its limit.
//!
//! DynamoDB takes 1,000 write units a second for one partition of an index, and refuses what the table is to write for
//! that. A caller with a name has few partitions, and pages that cost little. Where nobody has a name, all tasks are
//! one caller's, and an executor has all tasks of an instance: those are spread.

use a2a_core::{InstanceId, Principal, Tenant};

use uuid::Uuid;

use crate::items::keys;
use crate::items::order::Range;

/// Over how many partitions the tasks of an executor are spread.
pub(crate) const OF_EXECUTOR: u8 = 6;

/// What the names of partitions begin with where nobody has a name.
const NOBODY: char = '0';
/// What they begin with where a caller has.
const SOMEBODY: char = '1';

/// What the names of all partitions of a caller have in common.
pub(crate) fn caller(tenant: &Tenant, principal: Option<&Principal>) -> String {
    let kind = if principal.is_some() { SOMEBODY } else { NOBODY };
    let digest = keys::digest("by caller", &[Some(tenant.as_str()), principal.map(Principal::as_str)]);
    format!("{kind}{digest}")
}

/// What a partition's name has in common with those of the same caller.
pub(crate) fn caller_of(partition: &str) -> &str {
    partition.split_once('#').map_or(partition, |(caller, _)| caller)
}

/// The partition that has a caller's task while it is in this range.
pub(crate) fn of_task(caller: &str, range: Range, task_id: &str) -> String {
    partition(caller, range, spread(task_id, count(caller, range)))
}

/// All partitions that have a caller's tasks in this range.
pub(crate) fn of_range(caller: &str, range: Range) -> impl Iterator<Item = String> {
    (0..count(caller, range)).map(move |shard| partition(caller, range, shard))
}

fn partition(caller: &str, range: Range, shard: u8) -> String {
    format!("{caller}#{}{shard}", range.letter())
}

/// How many partitions a caller has in a range. A task enters the first range once, may move in it, and leaves it; it
/// enters the last once.
fn count(caller: &str, range: Range) -> u8 {
    match (caller.starts_with(NOBODY), range) {
        (true, Range::Active) => 12,
        (true, Range::Completed) => 6,
        (true, Range::Failed) => 4,
        (true, _) => 2,
        (false, Range::Active) => 2,
        (false, _) => 1,
    }
}

/// The partition that has a task of an executor.
pub(crate) fn of_executor(executor: &InstanceId, task_id: &str) -> String {
    executor_shard(executor, executor_shard_of(task_id))
}

/// The partition with this number.
pub(crate) fn executor_shard(executor: &InstanceId, shard: u8) -> String {
    format!("{executor}#{shard}")
}

/// The executor of tasks that have ended a turn, lack its snapshot, and are nobody's. No instance has this id.
pub(crate) const NOBODYS: InstanceId = InstanceId::from_uuid(Uuid::nil());

/// The partition that has these tasks: few at a time, for everybody looks there.
pub(crate) fn of_nobody() -> String {
    executor_shard(&NOBODYS, 0)
}

/// The number of the partition that has a task of whichever executor.
pub(crate) fn executor_shard_of(task_id: &str) -> u8 {
    spread(task_id, OF_EXECUTOR)
}

/// The executor that has this partition.
pub(crate) fn executor_of(partition: &str) -> Option<InstanceId> {
    partition.split_once('#')?.0.parse().ok()
}

/// Spreads ids evenly (FNV-1a, 64 bits). It is a part of the table's format.
fn spread(id: &str, over: u8) -> u8 {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // The low bits of such a hash are the better mixed ones.
    u8::try_from((hash ^ (hash >> 32)) % u64::from(over.max(1))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_task_is_in_one_of_the_partitions_of_its_range() {
        let tenant = Tenant::new("acme");
        for principal in [None, Some(Principal::new("ann"))] {
            let caller = caller(&tenant, principal.as_ref());
            for range in Range::ALL {
                let all: Vec<String> = of_range(&caller, range).collect();
                for n in 0..50_u32 {
                    let partition = of_task(&caller, range, &n.to_string());
                    assert!(all.contains(&partition), "{partition} of {all:?}");
                    assert_eq!(caller_of(&partition), caller);
                }
            }
        }
    }

    #[test]
    fn nobody_and_the_empty_name_are_two_callers() {
        let tenant = Tenant::new("acme");
        assert_ne!(caller(&tenant, None), caller(&tenant, Some(&Principal::new(""))));
        assert_ne!(caller(&tenant, None), caller(&Tenant::default(), None));
    }

    #[test]
    fn an_executor_is_read_back_from_its_partition() {
        let me = InstanceId::from_uuid(Uuid::from_u128(7));
        let partition = of_executor(&me, "t");
        assert_eq!(executor_of(&partition), Some(me));
        assert!((0..OF_EXECUTOR).any(|shard| executor_shard(&me, shard) == partition));
    }

    /// Ids as they are: version 4, version 8 from a digest, and numbers.
    #[test]
    fn ids_are_spread_evenly() {
        for id in [
            |n: u128| Uuid::from_u128(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_string(),
            |n: u128| n.to_string(),
        ] {
            for over in [2, 4, 6, 12] {
                let mut found: HashMap<u8, u32> = HashMap::new();
                (0..16_000).for_each(|n| *found.entry(spread(&id(n), over)).or_default() += 1);
                let fair = 16_000 / u32::from(over);
                let uneven = found.values().find(|count| count.abs_diff(fair) > fair / 5);
                assert_eq!((found.len(), uneven), (usize::from(over), None), "over {over}: {found:?}");
            }
        }
    }
}
