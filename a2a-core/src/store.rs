//! The contract of a task store, and the guide for whoever implements one.
//!
//! A store keeps, per task, a log of numbered commits and a few facts beside it: who created the task (the
//! principal), who may run its agent (the claim), what an agent may know of its caller, and which instances have
//! streams on it (the watchers). The watchers may be many, and are read apart. How it represents them is its own
//! affair: DynamoDB appends events and writes snapshots rarely, memory folds events into the task it holds.
//!
//! To implement one: implement [`TaskStore`], [`Membership`], [`PushConfigs`] and [`Deployment`]; then run
//! `a2a-testkit`'s suites against it. Every line of a `# Contract` list below is a test there, under the same
//! words.
//!
//! Caches belong to the caller. So do retries: a store repeats a request by itself only where it must, as one of many that
//! make up a call, and then within the budget that it was handed ([`TaskStore::use_budget`]).
//!
//! # What may be forgotten, and when
//!
//! A store may let go of data by itself, so that it does not grow for ever:
//!
//! | what | when |
//! |---|---|
//! | old commits of a task | at any time, as long as `load` still returns the task: `commits_after` then returns a snapshot |
//! | a task that has ended, with all that belongs to it | after a retention that the store states; it then is absent |
//! | a task that waits for its caller, with all that belongs to it | after a retention that the store states, counted from the end of its last turn |
//! | a watcher | once its task is forgotten, or when nobody has called `watch` for it for as long as commits are kept |
//! | an ended claim | at once, and at the latest when the head is next written |
//! | a delivery that was given up | after a retention that the store states |
//!
//! A task at work, a standing claim, a member and a key are never forgotten.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use a2a::{Task, TaskState};
use async_trait::async_trait;

use crate::{
    CallerContext, Claim, Commit, CommitId, CommitRecord, Deployment, Generation, InstanceId, KeyPage,
    Membership, Outcome, Principal, PushConfigs, Result, RetryBudget, TaskKey, TaskPage, TaskQuery, Tip,
    Version, reduce,
};

/// A task as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTask {
    /// The task, with its whole history and all artifacts.
    pub task: Task,
    /// The number of commits that made it so.
    pub version: Version,
    /// How many events its streams have carried.
    pub generation: Generation,
    /// The facts beside it.
    pub head: TaskHead,
}

impl StoredTask {
    /// The end of the task's log: what the next commit follows.
    pub fn tip(&self) -> Tip {
        Tip { version: self.version, generation: self.generation }
    }
}

/// The commits after a version, or that they are no longer kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Replay {
    /// All of them, in order, without a hole. Empty where there are none.
    Commits(Vec<Arc<CommitRecord>>),
    /// Some are no longer kept: the task as it is now takes their place.
    Snapshot(Box<StoredTask>),
}

/// The facts that the store keeps beside a task's content. Cheap to read.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskHead {
    /// The state that the last status set, or an earlier one of the same turn while that goes on.
    pub state: TaskState,
    /// Who created the task.
    pub principal: Option<Principal>,
    /// What an agent may know of the caller whose turn it is.
    pub caller: Option<Box<CallerContext>>,
    /// Who may run the agent. A claim that was made is never missing here; one that ended may stand here until
    /// the head is next written.
    pub claim: Option<Claim>,
    /// The task's generation when the head was last written; [`StoredTask::generation`] is the current one.
    pub generation: Generation,
}

/// What a purge found of a task, and what it left.
#[must_use = "a mark may stay"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purged {
    /// There was nothing.
    Absent,
    /// Nothing is left.
    Gone,
    /// A mark is left for as long as commits are kept. It names the task and holds no content: somebody may still write to the
    /// task who has not heard that it is gone.
    Marked,
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
/// 13. `head_agrees_with_load`: principal, caller and claim, and whether the turn has ended, and how, as soon as the commit
///     that ended it was answered. Within a turn the head, and lists for some seconds, may show an earlier state of it; and
///     where who ended it died before it was answered, until some time after somebody has read the task.
/// 14. `a_claim_is_named_by_its_commit`, `keep_leaves_the_claim`, `a_later_claim_takes_the_place_of_an_earlier`:
///     as soon as the commit was answered, on whichever handle.
/// 15. `a_commit_may_end_the_claim`: the head then has none, or still the one that ended, and never another.
/// 16. `a_task_that_ended_may_change_hands`: commits without events may follow the one that ended it.
/// 17. `release_ends_exactly_the_named_claim`: outside any commit; the version stays. Another claim of the same
///     instance stays, as does one of an earlier or later life of the task.
/// 18. `the_principal_is_set_by_the_first_commit_only`.
/// 19. `the_caller_is_kept_with_the_claim`: what a claiming commit says of its caller takes the place of what was
///     kept; one that says nothing leaves it.
/// 20. `the_generation_is_kept`: `load` and `commits_after` return it as the commits counted it; the head's is at
///     most that, and never less than when the head's claim was made.
/// 21. `list_returns_newest_status_first`, by status time, then by id, both descending. Lists may lag behind
///     commits by seconds; single tasks never do.
/// 22. `list_pages_cover_every_unchanged_task_once`, under concurrent change.
/// 23. `list_ends_a_page_that_is_full_of_bytes`, before the task that would take it beyond [`TaskQuery::bytes`]; no
///     page is without a task for that.
/// 24. `list_never_crosses_tenants_or_principals`.
/// 25. `list_filters_by_context_state_and_time`: the time filter includes its bound.
/// 26. `list_counts_all_matches`: the total does not depend on page or cursor. A query that says what was counted for
///     an earlier page ([`TaskQuery::counted`]) is told that again, and costs no count. A store may stop counting after a
///     time that it states, and tells then how many it has found: no fewer than are on the page.
/// 27. `list_omits_artifacts_unless_asked` and `list_applies_the_history_length`.
/// 28. `delete_removes_everything_of_a_task`: log, watchers and push configs; the key can be created anew.
/// 29. `ids_are_hostile`: any text is a legal tenant, task id or context id; none reads or overwrites
///     another's record. A store may answer `Rejected` for ids over 512 bytes.
/// 30. `a_failed_call_leaks_no_content`: into its error's text.
/// 31. `a_large_commit_is_applied_or_too_large`: never half of it.
/// 32. `load_for_returns_only_what_the_principal_created`: then what `load` returns, and nothing otherwise.
/// 33. `a_store_repeats_within_the_budget`: what it repeats by itself it repeats within the budget that it was handed,
///     and tells that of each attempt that failed. One that never repeats need not tell.
/// 34. `list_keys_names_every_task_of_the_list`: page by page, and of no other tenant, principal or context. It also names
///     tasks that cannot be read, and may name some that have changed since and match no more.
/// 35. `purge_removes_what_delete_removes`: and tells whether there was something.
/// 36. `a_fence_is_an_empty_commit_at_the_end_of_the_log`: wherever that is. A commit that does not follow it conflicts;
///     content, generation and claim stay.
/// 37. `a_repeated_fence_with_the_same_id_is_applied_once`: while it is the last commit in the log.
/// 38. `only_a_turn_under_way_is_fenced`: where the task is absent, has ended or waits for its caller, nothing is written.
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

    /// Reads a task if this principal created it; `None` stands for the tasks that were created without one. `None` where
    /// the task is somebody else's, of which no content is read: that must not take longer than to find none. Cancel safe,
    /// idempotent.
    async fn load_for(&self, key: &TaskKey, principal: Option<&Principal>) -> Result<Option<StoredTask>>;

    /// Reads the facts beside a task, without its content. `None` where it does not exist. Cancel safe,
    /// idempotent.
    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>>;

    /// Appends a commit if the task has the expected version.
    ///
    /// Idempotent by [`CommitId`] while the commit is the last one. Not cancel safe:
    /// a dropped call may or may not have been applied, as after
    /// [`Indeterminate`](crate::BackendError::Indeterminate).
    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome>;

    /// Appends an empty commit to a task whose turn is under way, wherever its log ends by now, so that whoever else is
    /// about to append learns that it is not alone. Returns the tip that it made; `None`, and nothing is written, where no
    /// turn is under way.
    ///
    /// For whoever has to stop a writer that cannot be asked: what it must win is one append, however large the task is
    /// and however fast the other commits. Idempotent by `id` while the commit is the last one. Not cancel safe, like
    /// [`commit`](TaskStore::commit).
    ///
    /// As it stands it reads the task and commits, until one such commit wins. A store that knows the end of a log without
    /// reading the task does it faster than somebody who commits all the time.
    async fn fence(&self, key: &TaskKey, id: CommitId) -> Result<Option<Tip>> {
        loop {
            let Some(stored) = self.load(key).await? else { return Ok(None) };
            if reduce::ends_turn(&stored.task.status.state) {
                return Ok(None);
            }
            let before = Version::new(stored.version.get().saturating_sub(1));
            if let Replay::Commits(last) = self.commits_after(key, before).await?
                && last.first().is_some_and(|record| record.id == id)
            {
                return Ok(Some(stored.tip()));
            }
            let commit = Commit::new(stored.tip(), id, Vec::new(), &stored.task);
            let tip = commit.tip();
            if let Outcome::Applied(_) = self.commit(key, commit).await? {
                return Ok(Some(tip));
            }
        }
    }

    /// How far apart the commits of a task that is under way should begin, for what each of them costs. What an agent
    /// says meanwhile goes into one commit; what ends its turn waits for nothing.
    ///
    /// Advice: a store applies commits that come sooner. A wrapper passes on what the store in it says.
    fn commit_spacing(&self) -> Duration;

    /// Takes the retry budget of the instance that uses this handle from now on, for everything that the handle keeps. The
    /// last one that was handed over counts. A store that repeats nothing by itself needs none; a wrapper passes it on.
    ///
    /// Until then a store that repeats has a budget of its own.
    fn use_budget(&self, budget: &RetryBudget) {
        let _ = budget;
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

    /// Ends a claim, if it is the one in the head. Not a commit: it changes no content and no version. Does
    /// nothing otherwise. Idempotent; when cancelled it may still be applied, at any later time.
    ///
    /// Only the claim's own holder calls this. Whoever else wants a task commits, so that the version decides.
    async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()>;

    /// Reads one page of tasks. Cancel safe, idempotent.
    async fn list(&self, query: &TaskQuery) -> Result<TaskPage>;

    /// Removes a task with all that belongs to it; tells whether it existed. Idempotent.
    async fn delete(&self, key: &TaskKey) -> Result<bool>;

    /// Reads the names of one page of tasks, those included whose content cannot be read: for whoever removes all tasks of a
    /// caller. Of the query, what it says of bytes, history and artifacts means nothing. Cancel safe, idempotent.
    ///
    /// As it stands it names what [`list`](TaskStore::list) shows. A store whose list leaves out what it cannot read names
    /// that by itself.
    async fn list_keys(&self, query: &TaskQuery) -> Result<KeyPage> {
        // No total is wanted, nor any content.
        let query = TaskQuery { counted: Some(0), history: Some(0), artifacts: false, ..query.clone() };
        let page = self.list(&query).await?;
        let name = |task: a2a::Task| TaskKey::new(query.tenant.clone(), task.id);
        Ok(KeyPage { keys: page.tasks.into_iter().map(name).collect(), next: page.next })
    }

    /// Removes a task for good: what [`delete`](TaskStore::delete) removes, what that keeps for a while of a task to which
    /// nobody writes any more, and what is left of a task that cannot be read or is not there. For operators. Idempotent.
    ///
    /// As it stands it deletes. A store whose `delete` keeps or refuses something does more.
    async fn purge(&self, key: &TaskKey) -> Result<Purged> {
        Ok(if self.delete(key).await? { Purged::Gone } else { Purged::Absent })
    }
}

/// A backend that keeps everything: tasks, members, push configs and the facts of the deployment.
///
/// Implemented for every type that implements the four; nobody implements it by hand.
pub trait Store: TaskStore + Membership + PushConfigs + Deployment {}

impl<T: TaskStore + Membership + PushConfigs + Deployment> Store for T {}
