//! A store of tasks that counts its calls.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a_core::{
    Claim, Commit, InstanceId, Outcome, Replay, Result, StoredTask, TaskHead, TaskKey, TaskPage, TaskQuery,
    TaskStore, Version,
};
use a2a_store_memory::MemoryStore;
use async_trait::async_trait;

#[derive(Debug, Default)]
pub(crate) struct Counting {
    inner: MemoryStore,
    pub(crate) calls: AtomicUsize,
}

impl Counting {
    pub(crate) fn over(config: a2a_store_memory::Config) -> Self {
        Counting { inner: MemoryStore::with_config(config), calls: AtomicUsize::new(0) }
    }

    fn inner(&self) -> &MemoryStore {
        self.calls.fetch_add(1, Ordering::Relaxed);
        &self.inner
    }
}

#[async_trait]
impl TaskStore for Counting {
    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        self.inner().commit(key, commit).await
    }

    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        self.inner().load(key).await
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        self.inner().head(key).await
    }

    fn commit_spacing(&self) -> Duration {
        self.inner.commit_spacing()
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        self.inner().commits_after(key, after).await
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        self.inner().watch(key, watcher).await
    }

    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        self.inner().watchers(key).await
    }

    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        self.inner().unwatch(key, watcher).await
    }

    async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()> {
        self.inner().release(key, claim).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        self.inner().list(query).await
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        self.inner().delete(key).await
    }
}
