//! The contract of a task store, and the guide for whoever implements one.
//!
//! A store keeps, per task, a log of numbered commits and three facts beside it: who created the task
//! (the principal), who runs it (the executor) and which instances have streams on it (the watchers). The
//! watchers may be many, and are read apart. How it represents them is its own affair: DynamoDB appends events
//! and writes snapshots rarely, memory folds events into the task it holds.
//!
//! To implement one: implement [`TaskStore`], [`Membership`] and
//! [`PushConfigs`]; then run `a2a-testkit`'s suites against it. Every line of a
//! `# Contract` list below is a test there, under the same words.
//!
//! Retries beyond what the backend's own client does belong to the caller, as do caches.

use std::collections::BTreeSet;
use std::fmt;

use a2a::{Task, TaskState};
use async_trait::async_trait;

use crate::{
    Commit, Executor, InstanceId, Membership, Outcome, Principal, PushConfigs, Replay, Result, TaskKey,
    TaskPage, TaskQuery, Version,
};

/// A task as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTask {
    /// The task, with its whole history and all artifacts.
    pub task: Task,
    /// The number of commits that made it so.
    pub version: Version,
    /// The facts beside it.
    pub head: TaskHead,
}

/// The facts that the store keeps beside a task's content. Cheap to read.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskHead {
    /// The state that the last status set.
    pub state: TaskState,
    /// Who created the task.
    pub principal: Option<Principal>,
    /// Who runs the agent now.
    pub executor: Option<Executor>,
}

/// Keeps tasks.
///
/// # Contract
///
/// 1. `a_commit_that_expects_the_current_version_is_applied`: and makes exactly the next version.
/// 2. `a_commit_that_expects_another_version_conflicts`: it writes nothing and names the actual version.
/// 3. `exactly_one_of_many_concurrent_commits_is_applied`: per version, over any number of handles.
/// 4. `versions_have_no_holes`: a task's log holds commits 1 to its version.
/// 5. `a_repeated_commit_with_the_same_id_is_applied_once`: and answered `Applied` again while it is the
///    last one in the log, so that a retry after a lost answer learns the truth.
/// 6. `load_returns_what_the_commits_made`: the fold of all applied events, at the version of the last.
/// 7. `load_sees_every_commit_that_was_answered`: on whichever handle, at once (linearizable reads).
/// 8. `commits_after_returns_all_later_commits_in_order`: or a snapshot, never a hole; empty at the end, and
///    for a task that does not exist.
/// 9. `watch_registers_before_it_reads`: a commit that the returned task lacks was made by someone who finds
///    the watcher among [`watchers`](TaskStore::watchers) afterwards.
/// 10. `watch_and_unwatch_are_idempotent`: and leave the version alone.
/// 11. `watching_an_absent_task_registers_nothing`.
/// 12. `watchers_are_told_at_once`: on whichever handle, as soon as their `watch` or `unwatch` was answered
///     (linearizable); of no other task, and of none that does not exist.
/// 13. `head_agrees_with_load`: state, principal and executor.
/// 14. `a_claim_records_the_executor`, `a_release_clears_it`, `keep_leaves_it`.
/// 15. `a_task_that_ended_may_change_hands`: commits without events may follow the one that ended it.
/// 16. `release_clears_only_the_named_executor`: outside any commit; the version stays.
/// 17. `the_principal_is_set_by_the_first_commit_only`.
/// 18. `list_returns_newest_status_first`, by status time, then by id, both descending. Lists may lag behind
///     commits by seconds; single tasks never do.
/// 19. `list_pages_cover_every_unchanged_task_once`, under concurrent change.
/// 20. `list_never_crosses_tenants_or_principals`.
/// 21. `list_filters_by_context_state_and_time`: the time filter includes its bound.
/// 22. `list_counts_all_matches`: the total does not depend on page or cursor.
/// 23. `list_omits_artifacts_unless_asked` and `list_applies_the_history_length`.
/// 24. `delete_removes_everything_of_a_task`: log, watchers and push configs; the key can be created anew.
/// 25. `ids_are_hostile`: any text is a legal tenant, task id or context id; none reads or overwrites
///     another's record. A store may answer `Rejected` for ids over 512 bytes.
/// 26. `a_failed_call_leaks_no_content`: into its error's text.
/// 27. `a_large_commit_is_applied_or_too_large`: never half of it.
/// 28. `a_message_is_claimed_once`: see [`TaskStore::claim_message`].
///
/// ```
/// # use a2a_core::{TaskStore, TaskKey, Result};
/// async fn state_of(store: &dyn TaskStore, key: &TaskKey) -> Result<Option<a2a::TaskState>> {
///     Ok(store.head(key).await?.map(|head| head.state))
/// }
/// ```
#[async_trait]
pub trait TaskStore: fmt::Debug + Send + Sync + 'static {
    /// Reads a task. `None` where it does not exist. Cancel safe, idempotent.
    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>>;

    /// Reads the facts beside a task, without its content. `None` where it does not exist. Cancel safe,
    /// idempotent.
    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>>;

    /// Appends a commit if the task has the expected version.
    ///
    /// Idempotent by [`CommitId`](crate::CommitId) while the commit is the last one. Not cancel safe:
    /// a dropped call may or may not have been applied, as after
    /// [`Indeterminate`](crate::BackendError::Indeterminate).
    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome>;

    /// How far apart the commits of a task that is under way should begin, for what each of them costs. What an agent
    /// says meanwhile goes into one commit; what ends its turn waits for nothing. By default no time at all.
    ///
    /// Advice: a store applies commits that come sooner.
    fn commit_spacing(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    /// Reads the commits after `after`, in order, or the task where they are no longer kept. A store may
    /// return only a first part of many; an empty answer means that there are none. Cancel safe, idempotent.
    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay>;

    /// Registers a watcher, then reads the task: no commit can fall between the two. `None`, and no
    /// registration, where it does not exist. Idempotent; when cancelled the watcher may stay registered.
    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>>;

    /// Reads which instances have at least one open stream on a task; empty where it does not exist.
    ///
    /// Every watcher whose [`watch`](TaskStore::watch) was answered before is in it. Whoever is not will find, in
    /// what its `watch` returns, every commit that was applied before this call. Cancel safe, idempotent.
    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>>;

    /// Removes a watcher. Does nothing where it is not registered or the task does not exist. Idempotent.
    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()>;

    /// Clears the recorded executor if it is `executor`. Not a commit: it changes no content and no version.
    /// Does nothing otherwise. Idempotent.
    async fn release(&self, key: &TaskKey, executor: &InstanceId) -> Result<()>;

    /// Reads one page of tasks. Cancel safe, idempotent.
    async fn list(&self, query: &TaskQuery) -> Result<TaskPage>;

    /// Claims a message id for a task id, for `window`: returns the task id that holds the claim, which is
    /// `task_id` itself for the first caller. Claims are scoped by tenant and principal. After the window
    /// the claim counts for nothing. Idempotent.
    async fn claim_message(
        &self,
        tenant: &crate::Tenant,
        principal: Option<&Principal>,
        message_id: &str,
        task_id: &str,
        window: std::time::Duration,
    ) -> Result<String>;

    /// Removes a task with all that belongs to it; tells whether it existed. Idempotent.
    async fn delete(&self, key: &TaskKey) -> Result<bool>;
}

/// A backend that keeps everything: tasks, members and push configs.
///
/// Implemented for every type that implements the three; nobody implements it by hand.
pub trait Store: TaskStore + Membership + PushConfigs {}

impl<T: TaskStore + Membership + PushConfigs> Store for T {}
