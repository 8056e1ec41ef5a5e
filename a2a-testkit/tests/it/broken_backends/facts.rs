//! Stores that break the rules of watchers, executors, deletion, ids and claims.

use std::collections::BTreeSet;
use std::time::Duration;

use a2a_core::{Commit, ExecutorChange, InstanceId, Outcome, Result, StoredTask, TaskKey, TaskStore, Tenant};
use a2a_testkit::async_trait;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::flaw::{Flaw, Scope};
use super::verdict::rejections;
use crate::reference::Reference;

rejections! { store_rejected:
    a_watch_that_reads_first: ReadsFirst => task_store::watch_registers_before_it_reads;
    a_watch_that_counts_as_a_commit: WatchIsACommit => task_store::watch_and_unwatch_are_idempotent;
    watchers_written_over: LostWatchers => task_store::watch_and_unwatch_are_idempotent;
    watchers_lost_by_a_commit: CommitForgetsWatchers =>
        task_store::watch_and_unwatch_are_idempotent,
        task_store::watchers_are_told_at_once,
        task_store::head_agrees_with_load;
    watchers_told_from_a_cache: CachesWatchers::default() => task_store::watchers_are_told_at_once;
    watchers_cut_to_a_page: FirstPage => task_store::watchers_are_told_at_once;
    watchers_that_outlive_their_task: WatchersStay::default() =>
        task_store::watchers_are_told_at_once,
        task_store::delete_removes_everything_of_a_task;
    an_unwatch_that_removes_all: UnwatchRemovesAll => task_store::watch_and_unwatch_are_idempotent;
    watchers_of_absent_tasks: WatchesTheAbsent => task_store::watching_an_absent_task_registers_nothing;
    watchers_kept_for_a_later_task: EarlyBirds::default() =>
        task_store::watching_an_absent_task_registers_nothing;
    a_claim_that_counts_attempts_itself: OwnAttempts => task_store::a_claim_records_the_executor;
    a_release_that_does_nothing: ReleaseIsKeep => task_store::a_release_clears_it;
    a_keep_that_clears: KeepIsRelease => task_store::keep_leaves_it;
    tasks_that_are_sealed_at_their_end: Seals => task_store::a_task_that_ended_may_change_hands;
    a_release_of_anyone: ReleasesAnyone => task_store::release_clears_only_the_named_executor;
    a_release_that_counts_as_a_commit: ReleaseIsACommit => task_store::release_clears_only_the_named_executor;
    a_delete_that_hides: Hides => task_store::delete_removes_everything_of_a_task;
    a_delete_that_leaves_webhooks: LeavesWebhooks => task_store::delete_removes_everything_of_a_task;
    a_delete_that_takes_neighbours: DeletesByPrefix => task_store::delete_removes_everything_of_a_task;
    keys_merely_joined: Joined => task_store::ids_are_hostile;
    keys_that_end_at_a_nul: EndsAtNul => task_store::ids_are_hostile;
    keys_that_ignore_case: IgnoresCase => task_store::ids_are_hostile;
    keys_that_are_trimmed: Trims => task_store::ids_are_hostile;
    claims_that_all_win: EverybodyWins => task_store::a_message_is_claimed_once;
    claims_checked_apart_from_the_write: LookThenClaim => task_store::a_message_is_claimed_once;
    claims_for_ever: ForEver => task_store::a_message_is_claimed_once;
    claims_across_principals: OneScope => task_store::a_message_is_claimed_once;
}

struct Seals;

#[async_trait]
impl Flaw for Seals {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        match right.load(key).await? {
            Some(stored) if stored.head.state.is_terminal() => {
                Ok(Outcome::Conflict { actual: stored.version })
            }
            _ => right.commit(key, commit).await,
        }
    }
}

/// Registers once somebody has looked for watchers in vain, which makes the race certain.
struct ReadsFirst;

static LOOKED: Notify = Notify::const_new();

#[async_trait]
impl Flaw for ReadsFirst {
    async fn watch(
        &self,
        right: &Reference,
        key: &TaskKey,
        watcher: &InstanceId,
    ) -> Result<Option<StoredTask>> {
        let stored = right.load(key).await?;
        let _ = timeout(Duration::from_millis(100), LOOKED.notified()).await;
        right.watch(key, watcher).await?;
        Ok(stored)
    }
    async fn watchers(&self, right: &Reference, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        let watchers = right.watchers(key).await;
        LOOKED.notify_waiters();
        watchers
    }
}

struct WatchIsACommit;

#[async_trait]
impl Flaw for WatchIsACommit {
    async fn watch(
        &self,
        right: &Reference,
        key: &TaskKey,
        watcher: &InstanceId,
    ) -> Result<Option<StoredTask>> {
        if let Some(entry) = right.state().tasks.get_mut(key) {
            entry.stored.version = entry.stored.version.next();
        }
        right.watch(key, watcher).await
    }
}

/// Reads the watchers and writes them back with one more.
struct LostWatchers;

#[async_trait]
impl Flaw for LostWatchers {
    async fn watch(
        &self,
        right: &Reference,
        key: &TaskKey,
        watcher: &InstanceId,
    ) -> Result<Option<StoredTask>> {
        let mut watchers = right.watchers(key).await?;
        tokio::time::sleep(Duration::from_millis(1)).await;
        watchers.insert(*watcher);
        if let Some(entry) = right.state().tasks.get_mut(key) {
            entry.watchers = watchers;
        }
        right.load(key).await
    }
}

struct CommitForgetsWatchers;

#[async_trait]
impl Flaw for CommitForgetsWatchers {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let outcome = right.commit(key, commit).await?;
        if let Some(entry) = right.state().tasks.get_mut(key) {
            entry.watchers.clear();
        }
        Ok(outcome)
    }
}

struct UnwatchRemovesAll;

#[async_trait]
impl Flaw for UnwatchRemovesAll {
    async fn unwatch(&self, right: &Reference, key: &TaskKey, _: &InstanceId) -> Result<()> {
        if let Some(entry) = right.state().tasks.get_mut(key) {
            entry.watchers.clear();
        }
        Ok(())
    }
}

/// Reads the watchers of a task once in so many times.
#[derive(Default)]
struct CachesWatchers(std::sync::Mutex<(u32, BTreeSet<InstanceId>)>);

#[async_trait]
impl Flaw for CachesWatchers {
    async fn watchers(&self, right: &Reference, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        let watchers = right.watchers(key).await?;
        let mut cache = self.0.lock().unwrap();
        if cache.0.is_multiple_of(4) {
            cache.1 = watchers;
        }
        cache.0 += 1;
        Ok(cache.1.clone())
    }
}

struct FirstPage;

#[async_trait]
impl Flaw for FirstPage {
    async fn watchers(&self, right: &Reference, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        Ok(right.watchers(key).await?.into_iter().take(40).collect())
    }
}

/// Registers without a look whether there is a task.
#[derive(Default)]
struct EarlyBirds(std::sync::Mutex<BTreeSet<InstanceId>>);

#[async_trait]
impl Flaw for EarlyBirds {
    async fn watch(
        &self,
        right: &Reference,
        key: &TaskKey,
        watcher: &InstanceId,
    ) -> Result<Option<StoredTask>> {
        self.0.lock().unwrap().insert(*watcher);
        right.load(key).await
    }
    async fn watchers(&self, right: &Reference, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        let early = self.0.lock().unwrap().clone();
        Ok(right.load(key).await?.map(|_| early).unwrap_or_default())
    }
    async fn unwatch(&self, _: &Reference, _: &TaskKey, watcher: &InstanceId) -> Result<()> {
        self.0.lock().unwrap().remove(watcher);
        Ok(())
    }
}

/// Keeps the watchers under the task's key, and forgets them when it deletes the task.
#[derive(Default)]
struct WatchersStay(std::sync::Mutex<std::collections::BTreeMap<TaskKey, BTreeSet<InstanceId>>>);

#[async_trait]
impl Flaw for WatchersStay {
    async fn watch(
        &self,
        right: &Reference,
        key: &TaskKey,
        watcher: &InstanceId,
    ) -> Result<Option<StoredTask>> {
        let stored = right.load(key).await?;
        if stored.is_some() {
            self.0.lock().unwrap().entry(key.clone()).or_default().insert(*watcher);
        }
        Ok(stored)
    }
    async fn watchers(&self, _: &Reference, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        Ok(self.0.lock().unwrap().get(key).cloned().unwrap_or_default())
    }
    async fn unwatch(&self, _: &Reference, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        self.0.lock().unwrap().entry(key.clone()).or_default().remove(watcher);
        Ok(())
    }
}

/// Creates the task that it was asked to watch, as an update without a condition does.
struct WatchesTheAbsent;

#[async_trait]
impl Flaw for WatchesTheAbsent {
    async fn watch(
        &self,
        right: &Reference,
        key: &TaskKey,
        watcher: &InstanceId,
    ) -> Result<Option<StoredTask>> {
        if right.load(key).await?.is_none() {
            let story = a2a_testkit::sample::Story::about(key.clone(), "c");
            right.state().apply(key, &story.draft(Vec::new()).commit());
        }
        right.watch(key, watcher).await
    }
}

struct OwnAttempts;

#[async_trait]
impl Flaw for OwnAttempts {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let outcome = right.commit(key, commit).await?;
        if let Some(executor) = right.state().tasks.get_mut(key).and_then(|e| e.stored.head.executor.as_mut())
        {
            executor.attempt = 1;
        }
        Ok(outcome)
    }
}

struct ReleaseIsKeep;

#[async_trait]
impl Flaw for ReleaseIsKeep {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let released = commit.executor_change() == ExecutorChange::Release;
        let commit = if released { commit.executor(ExecutorChange::Keep) } else { commit };
        right.commit(key, commit).await
    }
}

struct KeepIsRelease;

#[async_trait]
impl Flaw for KeepIsRelease {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let kept = commit.executor_change() == ExecutorChange::Keep;
        let commit = if kept { commit.executor(ExecutorChange::Release) } else { commit };
        right.commit(key, commit).await
    }
}

struct ReleasesAnyone;

#[async_trait]
impl Flaw for ReleasesAnyone {
    async fn release(&self, right: &Reference, key: &TaskKey, _: &InstanceId) -> Result<()> {
        if let Some(entry) = right.state().tasks.get_mut(key) {
            entry.stored.head.executor = None;
        }
        Ok(())
    }
}

struct ReleaseIsACommit;

#[async_trait]
impl Flaw for ReleaseIsACommit {
    async fn release(&self, right: &Reference, key: &TaskKey, executor: &InstanceId) -> Result<()> {
        right.release(key, executor).await?;
        if let Some(entry) = right.state().tasks.get_mut(key) {
            entry.stored.version = entry.stored.version.next();
        }
        Ok(())
    }
}

/// Hides the task and leaves its log: a new one under the key finds the old commits in its way.
struct Hides;

#[async_trait]
impl Flaw for Hides {
    async fn delete(&self, right: &Reference, key: &TaskKey) -> Result<bool> {
        let gone = right.state().tasks.remove(key);
        let existed = gone.is_some();
        if let Some(entry) = gone {
            right.state().tasks.insert(graveyard(key), entry);
        }
        Ok(existed)
    }
    async fn commits_after(
        &self,
        right: &Reference,
        key: &TaskKey,
        after: a2a_core::Version,
    ) -> Result<a2a_core::Replay> {
        match right.load(key).await? {
            Some(_) => right.commits_after(key, after).await,
            None => right.commits_after(&graveyard(key), after).await,
        }
    }
}

fn graveyard(key: &TaskKey) -> TaskKey {
    TaskKey::new(Tenant::new("the graveyard"), key.task_id.clone())
}

struct LeavesWebhooks;

#[async_trait]
impl Flaw for LeavesWebhooks {
    async fn delete(&self, right: &Reference, key: &TaskKey) -> Result<bool> {
        let gone = right.state().tasks.remove(key);
        let existed = gone.is_some();
        if let Some(entry) = gone {
            right.state().tasks.insert(graveyard(key), entry);
        }
        Ok(existed)
    }
    async fn list_configs(
        &self,
        right: &Reference,
        key: &TaskKey,
    ) -> Result<Vec<a2a_core::PushSubscription>> {
        let of = if right.load(key).await?.is_some() { key.clone() } else { graveyard(key) };
        a2a_core::PushConfigs::list_configs(right, &of).await
    }
}

struct DeletesByPrefix;

#[async_trait]
impl Flaw for DeletesByPrefix {
    async fn delete(&self, right: &Reference, key: &TaskKey) -> Result<bool> {
        let existed = right.load(key).await?.is_some();
        right.state().tasks.retain(|k, _| k.tenant != key.tenant || !k.task_id.starts_with(&key.task_id));
        Ok(existed)
    }
}

struct Joined;

#[async_trait]
impl Flaw for Joined {
    fn key(&self, key: &TaskKey) -> TaskKey {
        TaskKey::new(Tenant::default(), format!("{}#{}", key.tenant.as_str(), key.task_id))
    }
}

struct EndsAtNul;

#[async_trait]
impl Flaw for EndsAtNul {
    fn key(&self, key: &TaskKey) -> TaskKey {
        let id = key.task_id.split('\0').next().unwrap_or_default();
        TaskKey::new(key.tenant.clone(), id)
    }
}

struct IgnoresCase;

#[async_trait]
impl Flaw for IgnoresCase {
    fn key(&self, key: &TaskKey) -> TaskKey {
        TaskKey::new(key.tenant.clone(), key.task_id.to_lowercase())
    }
}

struct Trims;

#[async_trait]
impl Flaw for Trims {
    fn key(&self, key: &TaskKey) -> TaskKey {
        TaskKey::new(key.tenant.clone(), key.task_id.trim())
    }
}

struct EverybodyWins;

#[async_trait]
impl Flaw for EverybodyWins {
    async fn claim_message(&self, _: &Reference, _: Scope<'_>, task: &str, _: Duration) -> Result<String> {
        Ok(task.to_owned())
    }
}

struct LookThenClaim;

#[async_trait]
impl Flaw for LookThenClaim {
    async fn claim_message(
        &self,
        right: &Reference,
        scope: Scope<'_>,
        task: &str,
        window: Duration,
    ) -> Result<String> {
        let key = (scope.tenant.clone(), scope.principal.cloned(), scope.message.to_owned());
        let holder = right.state().claims.get(&key).map(|claim| claim.holder.clone());
        if let Some(holder) = holder {
            return Ok(holder);
        }
        tokio::task::yield_now().await;
        right.claim_message(scope.tenant, scope.principal, scope.message, task, window).await?;
        Ok(task.to_owned())
    }
}

struct ForEver;

#[async_trait]
impl Flaw for ForEver {
    async fn claim_message(
        &self,
        right: &Reference,
        scope: Scope<'_>,
        task: &str,
        _: Duration,
    ) -> Result<String> {
        let window = Duration::from_secs(1 << 20);
        right.claim_message(scope.tenant, scope.principal, scope.message, task, window).await
    }
}

struct OneScope;

#[async_trait]
impl Flaw for OneScope {
    async fn claim_message(
        &self,
        right: &Reference,
        scope: Scope<'_>,
        task: &str,
        window: Duration,
    ) -> Result<String> {
        right.claim_message(scope.tenant, None, scope.message, task, window).await
    }
}
