//! The names of items: built from ids so that no id can forge another's name.
//!
//! A partition key joins an escaped tenant and a task id; the escaped tenant holds no `#`, so the first `#`
//! after it ends it, whatever the task id is. Where the parts need not be read back, a digest of all of them,
//! each with its length, takes their place and bounds the key's size.

use a2a_core::{BackendError, CommitId, InstanceId, Principal, Result, TaskKey, Tenant, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The longest tenant, task id, context id or config id, in bytes.
pub(crate) const ID_LIMIT: usize = 512;

/// How many bytes of a digest a key has: nobody finds two that are equal.
const DIGEST: usize = 24;

/// The sort key of a task's head.
pub(crate) const HEAD: &str = "H";
/// What the sort keys of commits begin with.
pub(crate) const COMMITS: &str = "C#";
/// What the sort keys of push configs begin with.
pub(crate) const PUSH_CONFIGS: &str = "P#";
/// What the sort keys of watchers begin with.
pub(crate) const WATCHERS: &str = "W#";
/// The partition of the members.
pub(crate) const MEMBERS: &str = "I";
/// The partition, and the sort key, of the format.
pub(crate) const FORMAT: &str = "F";
/// The sort key of the keys of a name.
pub(crate) const KEYS: &str = "K";
/// The partition of the deliveries that were given up.
pub(crate) const GIVEN_UP: &str = "U";

/// Refuses an id that is too long for a key.
pub(crate) fn check(what: &'static str, id: &str) -> Result<()> {
    bounded(what, id, ID_LIMIT)
}

fn bounded(what: &'static str, id: &str, limit: usize) -> Result<()> {
    if id.len() > limit {
        return Err(BackendError::rejected(format!("the {what} is longer than {limit} bytes")));
    }
    Ok(())
}

/// Refuses a caller's name that is too long for an item.
pub(crate) fn check_principal(principal: Option<&Principal>) -> Result<()> {
    principal.map_or(Ok(()), |principal| bounded("principal", principal.as_str(), Principal::MAX_BYTES))
}

/// The partition that holds all items of a task.
pub(crate) fn partition(key: &TaskKey) -> Result<String> {
    check("tenant", key.tenant.as_str())?;
    check("task id", &key.task_id)?;
    let tenant = key.tenant.as_str().replace('~', "~0").replace('#', "~1");
    Ok(format!("T#{tenant}#{}", key.task_id))
}

/// The task whose partition this is.
pub(crate) fn task_of(partition: &str) -> Result<TaskKey> {
    let (tenant, task_id) = partition
        .strip_prefix("T#")
        .and_then(|rest| rest.split_once('#'))
        .ok_or_else(|| BackendError::corrupt("a partition that is no task's"))?;
    let tenant = tenant.replace("~1", "#").replace("~0", "~");
    Ok(TaskKey::new(Tenant::new(tenant), task_id))
}

/// The sort key of a commit.
pub(crate) fn commit(version: Version) -> String {
    format!("{COMMITS}{:020}", version.get())
}

/// The version whose commit has this sort key.
pub(crate) fn version_of(sort: &str) -> Result<Version> {
    sort.strip_prefix(COMMITS)
        .and_then(|digits| digits.parse().ok())
        .map(Version::new)
        .ok_or_else(|| BackendError::corrupt("a commit's sort key"))
}

/// What the sort keys of a large commit's parts begin with.
pub(crate) fn commit_parts(id: CommitId) -> String {
    format!("X#{id}#")
}

/// What the sort keys of all parts of one snapshot begin with.
pub(crate) fn snapshot(version: Version, id: CommitId) -> String {
    format!("S#{:020}#{id}#", version.get())
}

/// The sort key of one part of a blob.
pub(crate) fn part(prefix: &str, index: usize) -> String {
    format!("{prefix}{index:05}")
}

/// The sort key of a push config.
pub(crate) fn push_config(id: &str) -> Result<String> {
    check("push config id", id)?;
    Ok(format!("{PUSH_CONFIGS}{id}"))
}

/// The sort key of a watcher.
pub(crate) fn watcher(id: &InstanceId) -> String {
    format!("{WATCHERS}{id}")
}

/// The watcher with this sort key.
pub(crate) fn watcher_named(sort: &str) -> Result<InstanceId> {
    sort.strip_prefix(WATCHERS)
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| BackendError::corrupt("a watcher's sort key"))
}

/// The index partition with all tasks of a caller in one context.
pub(crate) fn context(tenant: &Tenant, principal: Option<&Principal>, context: &str) -> String {
    digest("by context", &[Some(tenant.as_str()), principal.map(Principal::as_str), Some(context)])
}

/// The partition of the keys of a name.
pub(crate) fn keys_of(name: &str) -> Result<String> {
    check("name of a key", name)?;
    Ok(format!("K#{name}"))
}

/// The sort key of a delivery that was given up. The list is in the order of these.
pub(crate) fn given_up(key: &TaskKey, config_id: &str) -> Result<String> {
    check("tenant", key.tenant.as_str())?;
    check("task id", &key.task_id)?;
    check("push config id", config_id)?;
    Ok(digest("given up", &[Some(key.tenant.as_str()), Some(&key.task_id), Some(config_id)]))
}

/// The config with this sort key.
pub(crate) fn push_config_named(sort: &str) -> Option<&str> {
    sort.strip_prefix(PUSH_CONFIGS)
}

pub(crate) fn digest(purpose: &str, fields: &[Option<&str>]) -> String {
    let mut hasher = Sha256::new();
    for field in std::iter::once(&Some(purpose)).chain(fields) {
        // The length, off by one for a present field, keeps neighbours from running into each other.
        let length = field.map_or(0, |text| text.len() as u64 + 1);
        hasher.update(length.to_be_bytes());
        hasher.update(field.unwrap_or_default());
    }
    let digest = hasher.finalize();
    URL_SAFE_NO_PAD.encode(digest.get(..DIGEST).unwrap_or(&digest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_partition_names_exactly_one_task(tenant in "[#~01a/é]{0,12}", task in "[#~01a/é]{0,12}") {
            let key = TaskKey::new(Tenant::new(tenant), task);
            prop_assert_eq!(task_of(&partition(&key).unwrap()).unwrap(), key);
        }

        #[test]
        fn any_ids_within_the_limit_fit_a_key(tenant in ".{512}", task in ".{512}") {
            let cut = |text: String| text.chars().take(512 / 4).collect::<String>();
            let key = TaskKey::new(Tenant::new(cut(tenant)), cut(task));
            prop_assert!(partition(&key).unwrap().len() <= 2048);
        }

        #[test]
        fn later_commits_sort_later(a in any::<u64>(), b in any::<u64>()) {
            let (a, b) = (Version::new(a), Version::new(b));
            prop_assert_eq!(commit(a).cmp(&commit(b)), a.cmp(&b));
            prop_assert_eq!(version_of(&commit(a)).unwrap(), a);
        }
    }

    #[test]
    fn the_longest_ids_fit_a_key_even_when_all_is_escaped() {
        let key = TaskKey::new(Tenant::new("#".repeat(ID_LIMIT)), "#".repeat(ID_LIMIT));
        assert!(partition(&key).unwrap().len() <= 2048);
        assert!(push_config(&"é".repeat(ID_LIMIT / 2)).unwrap().len() <= 1024);
    }

    #[test]
    fn a_watcher_reads_back() {
        let id = InstanceId::from_uuid(uuid::Uuid::from_u128(7));
        assert_eq!(watcher_named(&watcher(&id)).unwrap(), id);
        assert!(matches!(watcher_named("W#nobody"), Err(BackendError::Corrupt { .. })));
    }

    #[test]
    fn longer_ids_are_rejected() {
        let long = "x".repeat(ID_LIMIT + 1);
        for key in [TaskKey::new(Tenant::new(&long), "t"), TaskKey::new(Tenant::default(), &long)] {
            assert!(matches!(partition(&key), Err(BackendError::Rejected { .. })));
        }
        assert!(matches!(push_config(&long), Err(BackendError::Rejected { .. })));
    }

    #[test]
    fn nobody_and_the_empty_name_are_two_callers() {
        let tenant = Tenant::new("acme");
        assert_ne!(context(&tenant, None, "a"), context(&tenant, Some(&Principal::new("")), "a"));
        assert_ne!(context(&tenant, None, "a"), context(&tenant, Some(&Principal::new("a")), ""));
    }
}
