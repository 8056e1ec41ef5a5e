//! Counted calls about tasks; commits take the time that a table takes, so that events gather as they do there.

use std::collections::BTreeSet;
use std::time::Duration;

use a2a_core::{
    Claim, ClaimChange, Commit, CommitId, InstanceId, Outcome, Principal, Replay, Result, RetryBudget,
    StoredTask, TaskHead, TaskKey, TaskPage, TaskQuery, TaskStore, Tip, Version,
};
use async_trait::async_trait;
use tokio::time::sleep;

use super::{Counted, HEAD_BYTES, WATCHER_BYTES, json_bytes, read_units, write_units};

/// What a commit takes.
const COMMIT: Duration = Duration::from_millis(8);

#[async_trait]
impl TaskStore for Counted {
    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        self.alive().await;
        let stored = self.store.load(key).await?;
        self.counters.read("load", stored.as_ref().map_or(1.0, whole));
        Ok(stored)
    }

    async fn load_for(&self, key: &TaskKey, principal: Option<&Principal>) -> Result<Option<StoredTask>> {
        self.alive().await;
        let stored = self.store.load_for(key, principal).await?;
        self.counters.read("load", stored.as_ref().map_or(1.0, whole));
        Ok(stored)
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        self.alive().await;
        let head = self.store.head(key).await?;
        self.counters.read("head", read_units(HEAD_BYTES));
        Ok(head)
    }

    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        self.alive().await;
        let record = commit.record();
        let mut units = write_units(json_bytes(record.as_ref()));
        if record.state().is_some() || commit.claim_change() != ClaimChange::Keep {
            units = 2.0 * (units + write_units(HEAD_BYTES));
        }
        if commit.expected() == Version::ABSENT && record.is_terminal() {
            units = write_units(HEAD_BYTES + json_bytes(record.as_ref()));
        }
        self.counters.write("commit", units);
        sleep(COMMIT).await;
        self.alive().await;
        self.store.commit(key, commit).await
    }

    async fn fence(&self, key: &TaskKey, id: CommitId) -> Result<Option<Tip>> {
        self.alive().await;
        self.counters.write("fence", 1.0);
        sleep(COMMIT).await;
        self.store.fence(key, id).await
    }

    fn commit_spacing(&self) -> Duration {
        self.store.commit_spacing()
    }

    fn use_budget(&self, budget: &RetryBudget) {
        self.store.use_budget(budget);
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        self.alive().await;
        let replay = self.store.commits_after(key, after).await?;
        let units = match &replay {
            Replay::Commits(commits) => {
                read_units(commits.iter().map(|commit| json_bytes(commit.as_ref())).sum())
            }
            Replay::Snapshot(stored) => whole(stored),
        };
        self.counters.read("commits_after", units);
        Ok(replay)
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        self.alive().await;
        let stored = self.store.watch(key, watcher).await?;
        self.counters.write("watch", write_units(WATCHER_BYTES));
        self.counters.also_read(stored.as_ref().map_or(1.0, whole));
        Ok(stored)
    }

    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        self.alive().await;
        let watchers = self.store.watchers(key).await?;
        self.counters.read("watchers", read_units(watchers.len() * WATCHER_BYTES));
        if !watchers.is_empty() {
            // They count while there is a task.
            self.counters.also_read(read_units(HEAD_BYTES));
        }
        Ok(watchers)
    }

    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        self.alive().await;
        self.counters.write("unwatch", write_units(WATCHER_BYTES));
        self.store.unwatch(key, watcher).await
    }

    async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()> {
        self.alive().await;
        self.counters.write("release", write_units(HEAD_BYTES));
        self.store.release(key, claim).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        self.alive().await;
        self.counters.read("list", 1.0);
        self.store.list(query).await
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        self.alive().await;
        self.counters.write("delete", 1.0);
        self.store.delete(key).await
    }
}

fn whole(stored: &StoredTask) -> f64 {
    read_units(HEAD_BYTES + json_bytes(&stored.task))
}
