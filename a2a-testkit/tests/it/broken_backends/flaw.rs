//! A flaw alters single calls of the reference store; all others stay right.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use a2a_core::{
    Beat, Claim, Commit, CommitId, Deployment, Eviction, ExecutingPage, Format, GivenUpCursor,
    GivenUpDelivery, InstanceId, KeyPage, Keys, Member, Membership, Outcome, Principal, Purged, PushConfigs,
    PushDelivery, PushProgress, PushSubscription, Replay, Result, RetryBudget, StoredTask, TaskHead, TaskKey,
    TaskPage, TaskQuery, TaskStore, Tip, Version,
};
use a2a_testkit::async_trait;

use crate::reference::Reference;

/// What one broken store does otherwise. Each method has the right answer at hand.
#[async_trait]
pub(crate) trait Flaw: Send + Sync + 'static {
    /// Changes keys on their way in, as a store that encodes them carelessly does.
    fn key(&self, key: &TaskKey) -> TaskKey {
        key.clone()
    }
    fn commit_spacing(&self, right: &Reference) -> Duration {
        right.commit_spacing()
    }
    fn use_budget(&self, _budget: &RetryBudget) {}
    async fn load(&self, right: &Reference, key: &TaskKey) -> Result<Option<StoredTask>> {
        right.load(key).await
    }
    async fn load_for(
        &self,
        right: &Reference,
        key: &TaskKey,
        principal: Option<&Principal>,
    ) -> Result<Option<StoredTask>> {
        right.load_for(key, principal).await
    }
    async fn head(&self, right: &Reference, key: &TaskKey) -> Result<Option<TaskHead>> {
        right.head(key).await
    }
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        right.commit(key, commit).await
    }
    async fn fence(&self, right: &Reference, key: &TaskKey, id: CommitId) -> Result<Option<Tip>> {
        right.fence(key, id).await
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
    async fn release(&self, right: &Reference, key: &TaskKey, claim: &Claim) -> Result<()> {
        right.release(key, claim).await
    }
    async fn list(&self, right: &Reference, query: &TaskQuery) -> Result<TaskPage> {
        right.list(query).await
    }
    async fn delete(&self, right: &Reference, key: &TaskKey) -> Result<bool> {
        right.delete(key).await
    }
    async fn list_keys(&self, right: &Reference, query: &TaskQuery) -> Result<KeyPage> {
        right.list_keys(query).await
    }
    async fn purge(&self, right: &Reference, key: &TaskKey) -> Result<Purged> {
        right.purge(key).await
    }
    async fn beat(&self, right: &Reference, me: &Member) -> Result<Beat> {
        right.beat(me).await
    }
    async fn member(&self, right: &Reference, who: &InstanceId) -> Result<Option<Member>> {
        right.member(who).await
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
    async fn executing(
        &self,
        right: &Reference,
        who: &InstanceId,
        after: Option<&TaskKey>,
    ) -> Result<ExecutingPage> {
        right.executing(who, after).await
    }
    async fn save_config(&self, right: &Reference, key: &TaskKey, config: &PushSubscription) -> Result<()> {
        right.save_config(key, config).await
    }
    async fn get_config(
        &self,
        right: &Reference,
        key: &TaskKey,
        id: &str,
    ) -> Result<Option<PushSubscription>> {
        right.get_config(key, id).await
    }
    async fn list_configs(&self, right: &Reference, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        right.list_configs(key).await
    }
    async fn remove_config(&self, right: &Reference, key: &TaskKey, id: &str) -> Result<()> {
        right.remove_config(key, id).await
    }
    async fn acknowledge(
        &self,
        right: &Reference,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        right.acknowledge(key, delivery, progress).await
    }
    async fn begin_delivery(
        &self,
        right: &Reference,
        key: &TaskKey,
        delivery: &PushDelivery,
    ) -> Result<Option<PushProgress>> {
        right.begin_delivery(key, delivery).await
    }
    async fn give_up(&self, right: &Reference, delivery: &GivenUpDelivery) -> Result<()> {
        right.give_up(delivery).await
    }
    async fn given_up(
        &self,
        right: &Reference,
        after: Option<&GivenUpCursor>,
        limit: usize,
    ) -> Result<Vec<GivenUpDelivery>> {
        right.given_up(after, limit).await
    }
    async fn forget_given_up(&self, right: &Reference, key: &TaskKey, config_id: &str) -> Result<()> {
        right.forget_given_up(key, config_id).await
    }
    async fn format(&self, right: &Reference) -> Result<Format> {
        right.format().await
    }
    async fn keys(&self, right: &Reference, name: &str, secret: [u8; 32]) -> Result<Keys> {
        right.keys(name, secret).await
    }
    async fn renew_key(&self, right: &Reference, name: &str, from: u32, secret: [u8; 32]) -> Result<Keys> {
        right.renew_key(name, from, secret).await
    }
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

    async fn load_for(&self, key: &TaskKey, principal: Option<&Principal>) -> Result<Option<StoredTask>> {
        self.flaw.load_for(&self.right, &self.flaw.key(key), principal).await
    }
    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        self.flaw.head(&self.right, &self.flaw.key(key)).await
    }
    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        self.flaw.commit(&self.right, &self.flaw.key(key), commit).await
    }
    async fn fence(&self, key: &TaskKey, id: CommitId) -> Result<Option<Tip>> {
        self.flaw.fence(&self.right, &self.flaw.key(key), id).await
    }
    fn commit_spacing(&self) -> Duration {
        self.flaw.commit_spacing(&self.right)
    }
    fn use_budget(&self, budget: &RetryBudget) {
        self.flaw.use_budget(budget);
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
    async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()> {
        self.flaw.release(&self.right, &self.flaw.key(key), claim).await
    }
    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        self.flaw.list(&self.right, query).await
    }
    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        self.flaw.delete(&self.right, &self.flaw.key(key)).await
    }
    async fn list_keys(&self, query: &TaskQuery) -> Result<KeyPage> {
        self.flaw.list_keys(&self.right, query).await
    }
    async fn purge(&self, key: &TaskKey) -> Result<Purged> {
        self.flaw.purge(&self.right, &self.flaw.key(key)).await
    }
}

#[async_trait]
impl<F: Flaw> Membership for Flawed<F> {
    async fn beat(&self, me: &Member) -> Result<Beat> {
        self.flaw.beat(&self.right, me).await
    }
    async fn member(&self, who: &InstanceId) -> Result<Option<Member>> {
        self.flaw.member(&self.right, who).await
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
    async fn executing(&self, who: &InstanceId, after: Option<&TaskKey>) -> Result<ExecutingPage> {
        self.flaw.executing(&self.right, who, after).await
    }
}

#[async_trait]
impl<F: Flaw> PushConfigs for Flawed<F> {
    async fn save_config(&self, key: &TaskKey, config: &PushSubscription) -> Result<()> {
        self.flaw.save_config(&self.right, &self.flaw.key(key), config).await
    }
    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>> {
        self.flaw.get_config(&self.right, &self.flaw.key(key), id).await
    }
    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        self.flaw.list_configs(&self.right, &self.flaw.key(key)).await
    }
    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()> {
        self.flaw.remove_config(&self.right, &self.flaw.key(key), id).await
    }
    async fn begin_delivery(&self, key: &TaskKey, delivery: &PushDelivery) -> Result<Option<PushProgress>> {
        self.flaw.begin_delivery(&self.right, &self.flaw.key(key), delivery).await
    }
    async fn acknowledge(
        &self,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        self.flaw.acknowledge(&self.right, &self.flaw.key(key), delivery, progress).await
    }
    async fn give_up(&self, delivery: &GivenUpDelivery) -> Result<()> {
        self.flaw.give_up(&self.right, delivery).await
    }
    async fn given_up(&self, after: Option<&GivenUpCursor>, limit: usize) -> Result<Vec<GivenUpDelivery>> {
        self.flaw.given_up(&self.right, after, limit).await
    }
    async fn forget_given_up(&self, key: &TaskKey, config_id: &str) -> Result<()> {
        self.flaw.forget_given_up(&self.right, &self.flaw.key(key), config_id).await
    }
}

#[async_trait]
impl<F: Flaw> Deployment for Flawed<F> {
    async fn format(&self) -> Result<Format> {
        self.flaw.format(&self.right).await
    }
    async fn keys(&self, name: &str, secret: [u8; 32]) -> Result<Keys> {
        self.flaw.keys(&self.right, name, secret).await
    }
    async fn renew_key(&self, name: &str, from: u32, secret: [u8; 32]) -> Result<Keys> {
        self.flaw.renew_key(&self.right, name, from, secret).await
    }
}
