//! Stores that break the rules of watchers, deletion and ids.

use std::collections::BTreeSet;
use std::time::Duration;

use a2a_core::{Commit, InstanceId, Outcome, Principal, Result, StoredTask, TaskKey, TaskStore, Tenant};
use a2a_testkit::async_trait;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::flaw::Flaw;
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
    a_delete_that_hides: Hides => task_store::delete_removes_everything_of_a_task;
    a_delete_that_leaves_webhooks: LeavesWebhooks => task_store::delete_removes_everything_of_a_task;
    a_delete_that_takes_neighbours: DeletesByPrefix => task_store::delete_removes_everything_of_a_task;
    a_load_for_anybody: ForAnybody => task_store::load_for_returns_only_what_the_principal_created;
    a_load_in_which_nobody_is_everybody: NobodyReadsAll =>
        task_store::load_for_returns_only_what_the_principal_created;
    keys_merely_joined: Joined => task_store::ids_are_hostile;
    keys_that_end_at_a_nul: EndsAtNul => task_store::ids_are_hostile;
    keys_that_ignore_case: IgnoresCase => task_store::ids_are_hostile;
    keys_that_are_trimmed: Trims => task_store::ids_are_hostile;
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
            let model = a2a_testkit::sample::TaskModel::about(key.clone(), "c");
            right.state().apply(key, &model.draft(Vec::new()).commit());
        }
        right.watch(key, watcher).await
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

struct ForAnybody;

#[async_trait]
impl Flaw for ForAnybody {
    async fn load_for(
        &self,
        right: &Reference,
        key: &TaskKey,
        _: Option<&Principal>,
    ) -> Result<Option<StoredTask>> {
        right.load(key).await
    }
}

struct NobodyReadsAll;

#[async_trait]
impl Flaw for NobodyReadsAll {
    async fn load_for(
        &self,
        right: &Reference,
        key: &TaskKey,
        principal: Option<&Principal>,
    ) -> Result<Option<StoredTask>> {
        match principal {
            None => right.load(key).await,
            Some(_) => right.load_for(key, principal).await,
        }
    }
}
