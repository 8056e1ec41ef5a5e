//! The tasks of a faulty store.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use a2a_core::{
    Claim, Commit, CommitId, InstanceId, Outcome, Principal, Replay, Result, RetryBudget, StoredTask,
    TaskHead, TaskKey, TaskPage, TaskQuery, TaskStore, Tip, Version,
};
use async_trait::async_trait;

use super::fate::Fate;
use super::{Beyond, FaultyStore, unreadable};
use crate::faults::Action;
use crate::sample::Draft;

impl Beyond {
    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let outcome = self.inner.commit(key, commit.clone()).await?;
        if let Outcome::Applied(_) = outcome {
            self.weather.index().committed(key, &commit, self.lag());
        }
        Ok(outcome)
    }

    async fn end(&self, key: &TaskKey) -> Result<Option<Version>> {
        Ok(self.inner.load(key).await?.map(|stored| stored.version))
    }
}

#[async_trait]
impl TaskStore for FaultyStore {
    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        self.read_of(key, self.inner.load(key)).await
    }

    async fn load_for(&self, key: &TaskKey, principal: Option<&Principal>) -> Result<Option<StoredTask>> {
        self.read_of(key, self.inner.load_for(key, principal)).await
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        self.read_of(key, self.inner.head(key)).await
    }

    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let write = async {
            let (fate, beyond) = (self.draw(Fate::of_write), self.beyond());
            let Some(lateness) = fate.late else {
                return self.write_with(fate, beyond.commit(key, commit)).await;
            };
            let (key, draft) = (key.clone(), Draft::of(&commit));
            self.apply_late(
                fate.outward + lateness,
                async move { beyond.commit(&key, draft.commit()).await },
            );
            self.write_with(fate, std::future::pending()).await
        };
        self.permitted(Action::Commit, write).await
    }

    async fn fence(&self, key: &TaskKey, id: CommitId) -> Result<Option<Tip>> {
        let write = async {
            let (fate, beyond) = (self.draw(Fate::of_write), self.beyond());
            let Some(lateness) = fate.late else {
                return self.write_with(fate, beyond.inner.fence(key, id)).await;
            };
            // It was written for one place in the log.
            let (key, end) = (key.clone(), beyond.end(key).await?);
            self.apply_late(fate.outward + lateness, async move {
                if beyond.end(&key).await? == end { beyond.inner.fence(&key, id).await } else { Ok(None) }
            });
            self.write_with(fate, std::future::pending()).await
        };
        self.permitted(Action::Commit, write).await
    }

    fn commit_spacing(&self) -> Duration {
        self.inner.commit_spacing()
    }

    fn use_budget(&self, budget: &RetryBudget) {
        *self.budget.lock().unwrap_or_else(PoisonError::into_inner) = budget.clone();
        self.inner.use_budget(budget);
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        self.read_of(key, self.inner.commits_after(key, after)).await
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        let (beyond, key, watcher) = (self.beyond(), key.clone(), *watcher);
        self.write(async move {
            let watched = beyond.inner.watch(&key, &watcher).await;
            if beyond.weather.is_readable(&key) { watched } else { Err(unreadable()) }
        })
        .await
    }

    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        self.read_of(key, self.inner.watchers(key)).await
    }

    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        let (beyond, key, watcher) = (self.beyond(), key.clone(), *watcher);
        self.write(async move { beyond.inner.unwatch(&key, &watcher).await }).await
    }

    async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()> {
        let (beyond, key, claim) = (self.beyond(), key.clone(), *claim);
        self.write(async move {
            beyond.inner.release(&key, &claim).await?;
            beyond.weather.index().released(&key, &claim, beyond.lag());
            Ok(())
        })
        .await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        self.read(async {
            let mut page = self.inner.list(query).await?;
            self.weather.index().hide_recent(&query.tenant, &mut page);
            Ok(page)
        })
        .await
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        let (beyond, key) = (self.beyond(), key.clone());
        self.write(async move {
            let existed = beyond.inner.delete(&key).await?;
            beyond.weather.index().deleted(&key, beyond.lag());
            Ok(existed)
        })
        .await
    }
}
