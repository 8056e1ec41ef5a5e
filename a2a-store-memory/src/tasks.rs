//! The task store's contract, on a shared location.

use std::collections::BTreeSet;
use std::time::Duration;

use a2a_core::{
    Claim, Commit, CommitId, InstanceId, Outcome, Principal, Replay, Result, StoredTask, TaskHead, TaskKey,
    TaskPage, TaskQuery, TaskStore, Tip, Version,
};
use async_trait::async_trait;
use tokio::task::consume_budget;

use crate::MemoryStore;
use crate::entry::{Entry, Moment};

// Nothing here ever waits; a caller that only talked to this store would keep its thread from everybody else.
// Hence the calls of `consume_budget`, always before anything is changed.
#[async_trait]
impl TaskStore for MemoryStore {
    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        consume_budget().await;
        Ok(self.location.with(key, Entry::moment).flatten().map(Moment::into_stored))
    }

    async fn load_for(&self, key: &TaskKey, principal: Option<&Principal>) -> Result<Option<StoredTask>> {
        consume_budget().await;
        let moment =
            self.location.with(key, |entry| entry.is_of(principal).then(|| entry.moment()).flatten());
        Ok(moment.flatten().map(Moment::into_stored))
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        consume_budget().await;
        Ok(self.location.with(key, |entry| entry.head()))
    }

    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        consume_budget().await;
        self.location.commit(key, &commit)
    }

    async fn fence(&self, key: &TaskKey, id: CommitId) -> Result<Option<Tip>> {
        consume_budget().await;
        Ok(self.location.with(key, |entry| self.location.fence(entry, id)).flatten())
    }

    fn commit_spacing(&self) -> Duration {
        self.location.config.commit_spacing
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        consume_budget().await;
        let replay = self.location.with(key, |entry| match entry.log.after(after) {
            Some(records) => Ok(records),
            None => Err(entry.moment()),
        });
        Ok(match replay {
            None | Some(Err(None)) => Replay::Commits(Vec::new()),
            Some(Ok(records)) => Replay::Commits(records),
            Some(Err(Some(moment))) => Replay::Snapshot(Box::new(moment.into_stored())),
        })
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        consume_budget().await;
        let moment = self.location.with(key, |entry| {
            entry.watchers.insert(*watcher);
            entry.moment()
        });
        Ok(moment.flatten().map(Moment::into_stored))
    }

    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        consume_budget().await;
        Ok(self.location.with(key, |entry| entry.watchers.clone()).unwrap_or_default())
    }

    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        consume_budget().await;
        self.location.with(key, |entry| entry.watchers.remove(watcher));
        Ok(())
    }

    async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()> {
        consume_budget().await;
        self.location.with(key, |entry| {
            if entry.claim.as_ref() == Some(claim) {
                self.location.set_claim(key, entry, None);
            }
        });
        Ok(())
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        consume_budget().await;
        Ok(self.location.page(query))
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        consume_budget().await;
        Ok(self.location.delete(key))
    }
}
