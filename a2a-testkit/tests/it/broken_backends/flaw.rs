//! A flaw alters single calls of the reference store; all others stay right.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use a2a_core::{
    Beat, Commit, Eviction, InstanceId, Member, Membership, Outcome, Principal, PushConfigs,
    PushSubscription, Replay, Result, StoredTask, TaskHead, TaskKey, TaskPage, TaskQuery, TaskStore, Tenant,
    Version,
};
use a2a_testkit::async_trait;

use crate::reference::Reference;

/// What one broken store does otherwise. Each method has the right answer at hand.
#[async_trait]
pub(crate) trait Flaw: Send + Sync + 'static {
    async fn load(&self, right: &Reference, key: &TaskKey) -> Result<Option<StoredTask>> {
        right.load(key).await
    }
    async fn head(&self, right: &Reference, key: &TaskKey) -> Result<Option<TaskHead>> {
        right.head(key).await
    }
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        right.commit(key, commit).await
    }
    async fn commits_after(&self, right: &Reference, key: &TaskKey, after: Version) -> Result<Replay> {
        right.commits_after(key, after).await
    }
    async fn watch(
        &self,
        right: &Reference,
        key: &TaskKey,
        watcher: &InstanceId,
    ) -> Result<Option<StoredTask>> {
        right.watch(key, watcher).await
    }
    async fn watchers(&self, right: &Reference, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        right.watchers(key).await
    }
    async fn unwatch(&self, right: &Reference, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        right.unwatch(key, watcher).await
    }
    async fn release(&self, right: &Reference, key: &TaskKey, executor: &InstanceId) -> Result<()> {
        right.release(key, executor).await
    }
    async fn list(&self, right: &Reference, query: &TaskQuery) -> Result<TaskPage> {
        right.list(query).await
    }
    async fn claim_message(
        &self,
        right: &Reference,
        scope: Scope<'_>,
        task: &str,
        window: Duration,
    ) -> Result<String> {
        right.claim_message(scope.tenant, scope.principal, scope.message, task, window).await
    }
    async fn delete(&self, right: &Reference, key: &TaskKey) -> Result<bool> {
        right.delete(key).await
    }
    async fn beat(&self, right: &Reference, me: &Member) -> Result<Beat> {
        right.beat(me).await
    }
    async fn roster(
        &self,
        right: &Reference,
        after: Option<&InstanceId>,
        limit: usize,
    ) -> Result<Vec<Member>> {
        right.roster(after, limit).await
    }
    async fn evict(&self, right: &Reference, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        right.evict(who, at_beat).await
    }
    async fn remove(&self, right: &Reference, who: &InstanceId) -> Result<()> {
        right.remove(who).await
    }
    async fn executing(&self, right: &Reference, who: &InstanceId) -> Result<Vec<TaskKey>> {
        right.executing(who).await
    }
    async fn save_config(&self, right: &Reference, key: &TaskKey, config: &PushSubscription) -> Result<()> {
        right.save_config(key, config).await
    }
    async fn list_configs(&self, right: &Reference, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        right.list_configs(key).await
    }
    async fn remove_config(&self, right: &Reference, key: &TaskKey, id: &str) -> Result<()> {
        right.remove_config(key, id).await
    }
    async fn acknowledge(&self, right: &Reference, key: &TaskKey, id: &str, version: Version) -> Result<()> {
        right.acknowledge(key, id, version).await
    }
    /// Changes keys on their way in, as a store that encodes them carelessly does.
    fn key(&self, key: &TaskKey) -> TaskKey {
        key.clone()
    }
}

/// Whose message id it is.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) principal: Option<&'a Principal>,
    pub(crate) message: &'a str,
}

/// The reference store with a flaw.
pub(crate) struct Flawed<F> {
    pub(crate) right: Reference,
    pub(crate) flaw: F,
}

impl<F> fmt::Debug for Flawed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flawed")
    }
}

#[async_trait]
impl<F: Flaw> TaskStore for Flawed<F> {
    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        self.flaw.load(&self.right, &self.flaw.key(key)).await
    }
    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        self.flaw.head(&self.right, &self.flaw.key(key)).await
    }
    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        self.flaw.commit(&self.right, &self.flaw.key(key), commit).await
    }
    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        self.flaw.commits_after(&self.right, &self.flaw.key(key), after).await
    }
    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        self.flaw.watch(&self.right, &self.flaw.key(key), watcher).await
    }
    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        self.flaw.watchers(&self.right, &self.flaw.key(key)).await
    }
    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        self.flaw.unwatch(&self.right, &self.flaw.key(key), watcher).await
    }
    async fn release(&self, key: &TaskKey, executor: &InstanceId) -> Result<()> {
        self.flaw.release(&self.right, &self.flaw.key(key), executor).await
    }
    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        self.flaw.list(&self.right, query).await
    }
    async fn claim_message(
        &self,
        tenant: &Tenant,
        principal: Option<&Principal>,
        message: &str,
        task_id: &str,
        window: Duration,
    ) -> Result<String> {
        self.flaw.claim_message(&self.right, Scope { tenant, principal, message }, task_id, window).await
    }
    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        self.flaw.delete(&self.right, &self.flaw.key(key)).await
    }
}

#[async_trait]
impl<F: Flaw> Membership for Flawed<F> {
    async fn beat(&self, me: &Member) -> Result<Beat> {
        self.flaw.beat(&self.right, me).await
    }
    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>> {
        self.flaw.roster(&self.right, after, limit).await
    }
    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        self.flaw.evict(&self.right, who, at_beat).await
    }
    async fn remove(&self, who: &InstanceId) -> Result<()> {
        self.flaw.remove(&self.right, who).await
    }
    async fn executing(&self, who: &InstanceId) -> Result<Vec<TaskKey>> {
        self.flaw.executing(&self.right, who).await
    }
}

#[async_trait]
impl<F: Flaw> PushConfigs for Flawed<F> {
    async fn save_config(&self, key: &TaskKey, subscription: &PushSubscription) -> Result<()> {
        self.flaw.save_config(&self.right, &self.flaw.key(key), subscription).await
    }
    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>> {
        self.right.get_config(&self.flaw.key(key), id).await
    }
    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        self.flaw.list_configs(&self.right, &self.flaw.key(key)).await
    }
    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()> {
        self.flaw.remove_config(&self.right, &self.flaw.key(key), id).await
    }
    async fn acknowledge(&self, key: &TaskKey, id: &str, version: Version) -> Result<()> {
        self.flaw.acknowledge(&self.right, &self.flaw.key(key), id, version).await
    }
}
