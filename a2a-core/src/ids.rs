//! Names of things: newtypes, so that a version is never taken for a count nor a tenant for a task.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Env;

/// The number of commits in a task's log. Zero means that the task does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// The version of a task that does not exist.
    pub const ABSENT: Version = Version(0);

    /// Wraps a number of commits.
    pub const fn new(commits: u64) -> Self {
        Version(commits)
    }

    /// Returns the number of commits.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the version that the next commit makes.
    #[must_use]
    pub const fn next(self) -> Self {
        Version(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many events the streams of a task have carried: 1 with its creation, one more for each later one, without
/// holes. The coming version of A2A numbers events so (`Task.generation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(u64);

impl Generation {
    /// The generation of a task that does not exist.
    pub const NONE: Generation = Generation(0);

    /// Wraps a number of events.
    pub const fn new(events: u64) -> Self {
        Generation(events)
    }

    /// Returns the number of events.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the generation after so many more events.
    #[must_use]
    pub const fn advanced(self, events: usize) -> Self {
        // No machine counts further than 64 bits.
        Generation(self.0.saturating_add(events as u64))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One running process of the server: new at every start, never reused.
///
/// Ordered by start time, as UUIDv7 is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(Uuid);

impl InstanceId {
    /// Draws a new id.
    pub fn generate(env: &dyn Env) -> Self {
        InstanceId(env.uuid())
    }

    /// Wraps a UUID that was an instance's id before, as read from a queue's name or a stored record.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        InstanceId(uuid)
    }

    /// Returns the UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for InstanceId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(InstanceId)
    }
}

/// Names one attempt to commit, so that a writer can tell its own retried write from a lost race.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommitId(Uuid);

impl CommitId {
    /// Draws a new id.
    pub fn generate(env: &dyn Env) -> Self {
        CommitId(env.uuid())
    }

    /// Wraps a UUID read back from a log.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        CommitId(uuid)
    }

    /// Returns the UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The partition that a request's `tenant` selects; the empty tenant is the default one.
///
/// Tasks of one tenant are invisible to every other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tenant(String);

impl Tenant {
    /// Wraps a tenant's name, as the request carried it.
    pub fn new(name: impl Into<String>) -> Self {
        Tenant(name.into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Option<String>> for Tenant {
    fn from(tenant: Option<String>) -> Self {
        Tenant(tenant.unwrap_or_default())
    }
}

/// The authenticated caller who created a task. Opaque to us; shown in no log.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Principal(String);

impl Principal {
    /// The longest name that every store keeps, in bytes. Servers refuse callers of a longer one.
    pub const MAX_BYTES: usize = 2048;

    /// Wraps the caller's name.
    pub fn new(name: impl Into<String>) -> Self {
        Principal(name.into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Principal(…)")
    }
}

/// Where a task lives: its tenant and its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskKey {
    /// The tenant partition.
    pub tenant: Tenant,
    /// The task's id. Hostile input: any string at all.
    pub task_id: String,
}

impl TaskKey {
    /// Joins a tenant and a task id.
    pub fn new(tenant: Tenant, task_id: impl Into<String>) -> Self {
        TaskKey { tenant, task_id: task_id.into() }
    }
}

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Escaped, so that no id that a caller made up begins a new line in a log.
        let task_id = self.task_id.escape_debug();
        if self.tenant.as_str().is_empty() {
            write!(f, "{task_id}")
        } else {
            write!(f, "{}/{task_id}", self.tenant.as_str().escape_debug())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{Clock, instance};

    #[test]
    fn versions_count_from_absent() {
        assert_eq!(Version::default(), Version::ABSENT);
        assert_eq!(Version::ABSENT.next(), Version::new(1));
        assert_eq!(Version::new(u64::MAX).next(), Version::new(u64::MAX));
    }

    #[test]
    fn names_are_written_bare() {
        let json = |value: serde_json::Result<String>| value.unwrap();
        assert_eq!(json(serde_json::to_string(&Version::new(7))), "7");
        assert_eq!(json(serde_json::to_string(&Tenant::new("acme"))), "\"acme\"");
        assert_eq!(json(serde_json::to_string(&Principal::new("ann"))), "\"ann\"");
        let id = instance(1);
        assert_eq!(json(serde_json::to_string(&id)), format!("\"{id}\""));
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn every_id_is_new() {
        let clock = Clock::new();
        assert!(InstanceId::generate(&clock) < InstanceId::generate(&clock));
        assert_ne!(CommitId::generate(&clock), CommitId::generate(&clock));
    }

    #[test]
    fn an_absent_tenant_is_the_empty_one() {
        assert_eq!(Tenant::from(None), Tenant::default());
        assert_eq!(Tenant::from(Some("acme".to_owned())), Tenant::new("acme"));
    }

    #[test]
    fn a_principal_is_shown_nowhere() {
        let principal = Principal::new("s3cret");
        assert_eq!(principal.as_str(), "s3cret");
        let query = crate::TaskQuery::new(Tenant::default(), Some(principal.clone()), 1);
        let head = crate::TaskHead {
            state: a2a::TaskState::Working,
            principal: Some(principal.clone()),
            caller: None,
            claim: None,
            generation: Generation::NONE,
        };
        assert!(!format!("{principal:?} {principal:#?} {query:?} {head:?}").contains("s3cret"));
    }

    #[test]
    fn a_commit_does_not_show_who_created_the_task() {
        let (task, principal) = (crate::samples::task(a2a::TaskState::Working), Principal::new("s3cret"));
        let id = CommitId::generate(&Clock::new());
        let commit = crate::Commit::new(crate::Tip::ABSENT, id, vec![], &task).created_by(Some(&principal));
        assert_eq!(commit.principal(), Some(&principal));
        assert!(!format!("{commit:?}").contains("s3cret"));
    }

    #[test]
    fn a_key_shows_its_tenant_and_breaks_no_line() {
        assert_eq!(TaskKey::new(Tenant::default(), "task").to_string(), "task");
        assert_eq!(TaskKey::new(Tenant::new("acme"), "task").to_string(), "acme/task");
        let forged = TaskKey::new(Tenant::new("a\nWARN"), "\u{1b}[31m\r\n");
        assert!(!forged.to_string().contains(char::is_control));
    }
}
