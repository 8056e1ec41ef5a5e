//! A store that tells somebody of each call: of all that arrive, and what became of some.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use a2a_core::{
    Beat, Claim, Commit, Deployment, Eviction, ExecutingPage, Format, GivenUpCursor, GivenUpDelivery,
    InstanceId, Keys, Member, Membership, Outcome, Principal, PushConfigs, PushDelivery, PushProgress,
    PushSubscription, Replay, Result, RetryBudget, Store, StoredTask, TaskHead, TaskKey, TaskPage, TaskQuery,
    TaskStore, Version,
};
use a2a_testkit::async_trait;

use crate::freezer::Freezer;

/// Whoever is told.
pub(crate) trait Tap: std::fmt::Debug + Send + Sync + 'static {
    /// A call arrives. It is never answered where this says so, lest the time stand still.
    fn called(&self) -> bool {
        true
    }
    /// Whether a task of this key was there at some time. Where it is not any more, it has left a mark.
    fn knows(&self, _key: &TaskKey) -> bool {
        false
    }
    /// Such a task is found gone.
    fn is_gone(&self, _key: &TaskKey) {}
    /// A commit was applied, perhaps not for the first time.
    fn applied(&self, _key: &TaskKey, _commit: &Commit<'_>) {}
    /// A claim was released, if it stood.
    fn released(&self, _key: &TaskKey, _claim: &Claim) {}
    /// A webhook is configured.
    fn saves(&self, _key: &TaskKey, _subscription: &PushSubscription) {}
    /// A member says how it does.
    fn beats(&self, _me: &Member) {}
    /// A member was declared dead.
    fn evicted(&self, _who: &InstanceId) {}
}

#[derive(Debug)]
pub(crate) struct Tapped<T> {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tap: Arc<T>,
    /// Calls wait while it is shut.
    pub(crate) freezer: Freezer,
}

impl<T: Tap> Tapped<T> {
    async fn call(&self) -> &dyn Store {
        self.freezer.pass().await;
        if !self.tap.called() {
            std::future::pending::<()>().await;
        }
        &*self.store
    }
}

#[async_trait]
impl<T: Tap> TaskStore for Tapped<T> {
    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        self.call().await.load(key).await
    }

    async fn load_for(&self, key: &TaskKey, principal: Option<&Principal>) -> Result<Option<StoredTask>> {
        self.call().await.load_for(key, principal).await
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        self.call().await.head(key).await
    }

    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let creates = commit.expected() == Version::ABSENT;
        if creates && self.tap.knows(key) && self.store.head(key).await?.is_none() {
            self.tap.is_gone(key);
            return Ok(Outcome::Conflict { actual: Version::ABSENT });
        }
        let outcome = self.call().await.commit(key, commit.clone()).await;
        if let Ok(Outcome::Applied(_)) = outcome {
            self.tap.applied(key, &commit);
        }
        outcome
    }

    fn commit_spacing(&self) -> Duration {
        self.store.commit_spacing()
    }

    fn use_budget(&self, budget: &RetryBudget) {
        self.store.use_budget(budget);
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        self.call().await.commits_after(key, after).await
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        self.call().await.watch(key, watcher).await
    }

    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        self.call().await.watchers(key).await
    }

    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        self.call().await.unwatch(key, watcher).await
    }

    async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()> {
        let released = self.call().await.release(key, claim).await;
        if released.is_ok() {
            self.tap.released(key, claim);
        }
        released
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        self.call().await.list(query).await
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        self.call().await.delete(key).await
    }
}

#[async_trait]
impl<T: Tap> Membership for Tapped<T> {
    async fn beat(&self, me: &Member) -> Result<Beat> {
        self.tap.beats(me);
        self.call().await.beat(me).await
    }

    async fn member(&self, who: &InstanceId) -> Result<Option<Member>> {
        self.call().await.member(who).await
    }

    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>> {
        self.call().await.roster(after, limit).await
    }

    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        let eviction = self.call().await.evict(who, at_beat).await;
        if let Ok(Eviction::Evicted) = eviction {
            self.tap.evicted(who);
        }
        eviction
    }

    async fn remove(&self, who: &InstanceId) -> Result<()> {
        self.call().await.remove(who).await
    }

    async fn executing(&self, who: &InstanceId, after: Option<&TaskKey>) -> Result<ExecutingPage> {
        self.call().await.executing(who, after).await
    }
}

#[async_trait]
impl<T: Tap> PushConfigs for Tapped<T> {
    async fn save_config(&self, key: &TaskKey, subscription: &PushSubscription) -> Result<()> {
        self.tap.saves(key, subscription);
        self.call().await.save_config(key, subscription).await
    }

    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>> {
        self.call().await.get_config(key, id).await
    }

    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        self.call().await.list_configs(key).await
    }

    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()> {
        self.call().await.remove_config(key, id).await
    }

    async fn begin_delivery(&self, key: &TaskKey, delivery: &PushDelivery) -> Result<Option<PushProgress>> {
        self.call().await.begin_delivery(key, delivery).await
    }

    async fn acknowledge(
        &self,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        self.call().await.acknowledge(key, delivery, progress).await
    }

    async fn give_up(&self, delivery: &GivenUpDelivery) -> Result<()> {
        self.call().await.give_up(delivery).await
    }

    async fn given_up(&self, after: Option<&GivenUpCursor>, limit: usize) -> Result<Vec<GivenUpDelivery>> {
        self.call().await.given_up(after, limit).await
    }

    async fn forget_given_up(&self, key: &TaskKey, config_id: &str) -> Result<()> {
        self.call().await.forget_given_up(key, config_id).await
    }
}

#[async_trait]
impl<T: Tap> Deployment for Tapped<T> {
    async fn format(&self) -> Result<Format> {
        self.call().await.format().await
    }

    async fn keys(&self, name: &str, secret: [u8; 32]) -> Result<Keys> {
        self.call().await.keys(name, secret).await
    }

    async fn renew_key(&self, name: &str, from: u32, secret: [u8; 32]) -> Result<Keys> {
        self.call().await.renew_key(name, from, secret).await
    }
}
