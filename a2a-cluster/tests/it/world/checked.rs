//! A store that answers some commits otherwise.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use a2a_core::{
    Claim, Commit, InstanceId, Outcome, Replay, Result, StoredTask, TaskHead, TaskKey, TaskPage, TaskQuery,
    TaskStore, Version,
};
use async_trait::async_trait;

type Check = dyn Fn(&TaskKey, &Commit<'_>) -> Option<Result<Outcome>> + Send + Sync;

/// Asks a function before each commit: what it says is the answer, and nothing is applied.
pub(crate) struct Checked {
    inner: Arc<dyn TaskStore>,
    check: Box<Check>,
}

impl Checked {
    pub(crate) fn new(
        inner: Arc<dyn TaskStore>,
        check: impl Fn(&TaskKey, &Commit<'_>) -> Option<Result<Outcome>> + Send + Sync + 'static,
    ) -> Self {
        Checked { inner, check: Box::new(check) }
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[async_trait]
impl TaskStore for Checked {
    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        match (self.check)(key, &commit) {
            Some(answer) => answer,
            None => self.inner.commit(key, commit).await,
        }
    }

    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        self.inner.load(key).await
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        self.inner.head(key).await
    }

    fn commit_spacing(&self) -> Duration {
        self.inner.commit_spacing()
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        self.inner.commits_after(key, after).await
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        self.inner.watch(key, watcher).await
    }

    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        self.inner.watchers(key).await
    }

    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        self.inner.unwatch(key, watcher).await
    }

    async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()> {
        self.inner.release(key, claim).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        self.inner.list(query).await
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        self.inner.delete(key).await
    }
}
