//! The contract of membership: who is alive.
//!
//! Liveness is a counter seen to move, judged by the observer's own monotonic clock. No clocks of two
//! machines are ever compared.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{InstanceId, Result, TaskKey};

/// An instance's own record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The instance.
    pub id: InstanceId,
    /// Its beat counter: 0 when it joins, one more at each beat.
    pub beat: u64,
    /// What it does now.
    pub state: MemberState,
    /// A name for people: a pod, a container, a host. Not unique.
    pub label: Option<String>,
}

/// What a member does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MemberState {
    /// It takes new work.
    Serving,
    /// It finishes what it has.
    Draining,
    /// It was declared dead. Its tasks are taken over; it never comes back under this id.
    Evicted,
}

/// The answer to a beat.
#[must_use = "an evicted instance must stop serving"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// The record was written.
    Alive,
    /// The instance was evicted, or its record is gone: it must stop serving under this id.
    Evicted,
}

/// The answer to an eviction.
#[must_use = "a member that moved is alive"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eviction {
    /// The member is evicted, now or since before.
    Evicted,
    /// The member has beaten since: it lives.
    Moved {
        /// Its beat counter now.
        beat: u64,
    },
    /// No such member.
    Absent,
}

/// Keeps the members of a cluster.
///
/// # Contract
///
/// 1. `beat_zero_joins`: it creates the record. Joining twice under one id is harmless.
/// 2. `a_later_beat_needs_the_record`: without one, or with one that is evicted, it is `Evicted` and writes
///    nothing.
/// 3. `a_beat_writes_counter_state_and_label`, visible in the roster of every handle at once.
/// 4. `the_roster_is_in_id_order_after_the_given_id`, holds at most `limit` members, evicted ones included.
/// 5. `evict_compares_the_beat`: it evicts a member whose counter is still `at_beat`, and no other.
/// 6. `an_evicted_member_stays_evicted`, until it is removed; evicting it again is `Evicted`.
/// 7. `remove_forgets_a_member`: idempotent; a later beat of it is `Evicted`.
/// 8. `executing_lists_the_tasks_of_an_executor`: those whose recorded executor it is. It may lag behind
///    commits by seconds, and so still list a task that was its; it never lists one that was never its.
/// 9. `of_beat_and_evict_one_wins`: when both race, either the beat is `Alive` and the eviction `Moved`, or
///    the eviction is `Evicted` and the beat `Evicted`.
///
/// ```
/// # use a2a_core::{Membership, InstanceId, Member, Result};
/// async fn first_after(members: &dyn Membership, id: InstanceId) -> Result<Option<Member>> {
///     Ok(members.roster(Some(&id), 1).await?.pop())
/// }
/// ```
#[async_trait]
pub trait Membership: fmt::Debug + Send + Sync + 'static {
    /// Writes this instance's record. Idempotent for equal counters; when cancelled it may have been written.
    async fn beat(&self, me: &Member) -> Result<Beat>;

    /// Reads the members that follow `after` in id order, at most `limit`. Cancel safe, idempotent.
    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>>;

    /// Declares a member dead if its counter is still `at_beat`. Idempotent.
    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction>;

    /// Forgets a member, once its tasks and resources are released. Idempotent.
    async fn remove(&self, who: &InstanceId) -> Result<()>;

    /// Reads the tasks whose recorded executor is `who`, at most some hundreds at a time: take those over
    /// and ask again. Cancel safe, idempotent.
    async fn executing(&self, who: &InstanceId) -> Result<Vec<TaskKey>>;
}
