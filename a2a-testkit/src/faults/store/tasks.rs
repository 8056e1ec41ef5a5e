//! The tasks of a faulty store.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use a2a_core::{
    Commit, InstanceId, Outcome, Principal, Replay, Result, StoredTask, TaskHead, TaskKey, TaskPage,
    TaskQuery, TaskStore, Tenant, Version,
};
use async_trait::async_trait;

use super::FaultyStore;
use super::fate::Fate;
use crate::sample::Draft;

#[async_trait]
impl TaskStore for FaultyStore {
    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        self.read(self.inner.load(key)).await
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        self.read(self.inner.head(key)).await
    }

    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let fate = self.draw(Fate::of_write);
        if let Some(lateness) = fate.late {
            let (inner, key, draft) = (Arc::clone(&self.inner), key.clone(), Draft::of(&commit));
            let arrives = fate.outward + lateness;
            self.late.lock().unwrap_or_else(PoisonError::into_inner).spawn(async move {
                tokio::time::sleep(arrives).await;
                // Nobody waits for this answer any more.
                let _ = inner.commit(&key, draft.commit()).await;
            });
        }
        self.write_with(fate, self.inner.commit(key, commit)).await
    }

    fn commit_spacing(&self) -> Duration {
        self.inner.commit_spacing()
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        self.read(self.inner.commits_after(key, after)).await
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        self.write(self.inner.watch(key, watcher)).await
    }

    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        self.read(self.inner.watchers(key)).await
    }

    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        self.write(self.inner.unwatch(key, watcher)).await
    }

    async fn release(&self, key: &TaskKey, executor: &InstanceId) -> Result<()> {
        self.write(self.inner.release(key, executor)).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        self.read(self.inner.list(query)).await
    }

    async fn claim_message(
        &self,
        tenant: &Tenant,
        principal: Option<&Principal>,
        message_id: &str,
        task_id: &str,
        window: Duration,
    ) -> Result<String> {
        self.write(self.inner.claim_message(tenant, principal, message_id, task_id, window)).await
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        self.write(self.inner.delete(key)).await
    }
}
