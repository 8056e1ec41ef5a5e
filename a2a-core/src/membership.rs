//! The contract of membership: who is alive.
//!
//! Liveness is a counter seen to move, judged by the observer's own monotonic clock. No clocks of two
//! machines are ever compared.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{InstanceId, Reach, Result, TaskKey};

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
    /// How others reach it over the bus.
    pub reach: Reach,
    /// A name for people: a pod, a container, a host. Not unique.
    pub label: Option<String>,
}

impl Member {
    /// The record with which an instance joins.
    pub fn joining(id: InstanceId, label: Option<String>) -> Self {
        Member { id, beat: 0, state: MemberState::Starting, reach: Reach::Nowhere, label }
    }
}

/// What a member does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MemberState {
    /// It is about to take work, and beats while that lasts.
    Starting,
    /// It takes new work.
    Serving,
    /// It finishes what it has.
    Draining,
    /// It left in good order: what it still executes is handed over, and it never comes back under this id.
    Left,
    /// It was declared dead. Its tasks are taken over; it never comes back under this id.
    Evicted,
}

impl MemberState {
    /// Tells whether the member will never beat again under its id.
    pub const fn is_final(self) -> bool {
        matches!(self, MemberState::Left | MemberState::Evicted)
    }
}

/// Some of an executor's tasks, and where the next ones are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutingPage {
    /// Tasks whose head names the executor; empty pages may come before full ones.
    pub tasks: Vec<TaskKey>,
    /// What to ask with for the next page; `None` after the last one.
    pub next: Option<TaskKey>,
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
/// 2. `a_later_beat_needs_the_record`: without one, or with one whose state is final, it is `Evicted` and writes
///    nothing.
/// 3. `a_beat_writes_the_whole_record`: counter, state, reach and label, visible to `member` and in the roster of
///    every handle at once.
/// 4. `member_reads_one_record`, and `None` where there is none.
/// 5. `the_roster_is_in_id_order_after_the_given_id`, holds at most `limit` members, whatever their states.
/// 6. `evict_compares_the_beat`: it evicts a member whose counter is still `at_beat`, and no other.
/// 7. `an_evicted_member_stays_evicted`, until it is removed; evicting it again is `Evicted`.
/// 8. `a_member_that_left_stays_so`: evicting it is `Evicted` and changes nothing.
/// 9. `remove_forgets_a_member`: idempotent; a later beat of it is `Evicted`.
/// 10. `executing_lists_the_tasks_of_an_executor`: those whose head names it. It may lag behind commits by
///     seconds, and so still list a task that was its; it never lists one that was never its.
/// 11. `executing_pages_cover_every_task`: following `next` from the first page to the last passes every task
///     whose claim stands all the while, also where others are taken over meanwhile.
/// 12. `of_beat_and_evict_one_wins`: when both race, either the beat is `Alive` and the eviction `Moved`, or
///     the eviction is `Evicted` and the beat `Evicted`.
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

    /// Reads one member's record. Cancel safe, idempotent; linearizable.
    async fn member(&self, who: &InstanceId) -> Result<Option<Member>>;

    /// Reads the members that follow `after` in id order, at most `limit`. Cancel safe, idempotent.
    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>>;

    /// Declares a member dead if its counter is still `at_beat`. Idempotent.
    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction>;

    /// Forgets a member, once its tasks and resources are released. Idempotent.
    async fn remove(&self, who: &InstanceId) -> Result<()>;

    /// Reads one page of the tasks whose head names `who` as the executor: the first, or the one after `after`,
    /// which an earlier page's `next` said. In an order of the store's own. Cancel safe, idempotent.
    async fn executing(&self, who: &InstanceId, after: Option<&TaskKey>) -> Result<ExecutingPage>;
}
