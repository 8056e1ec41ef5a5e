//! The tasks: the compare-and-append, and what reads find after it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use a2a_core::{
    Claim, ClaimChange, Commit, FillingPage, InstanceId, Outcome, Principal, Replay, Result, StoredTask,
    TaskHead, TaskKey, TaskPage, TaskQuery, TaskStore, Version,
};
use a2a_testkit::async_trait;

use super::{Entry, MapStore, State};

#[async_trait]
impl TaskStore for MapStore {
    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        Ok(self.state().tasks.get(key).map(|entry| entry.stored.clone()))
    }

    async fn load_for(&self, key: &TaskKey, principal: Option<&Principal>) -> Result<Option<StoredTask>> {
        let stored = self.state().tasks.get(key).map(|entry| entry.stored.clone());
        Ok(stored.filter(|stored| stored.head.principal.as_ref() == principal))
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        Ok(self.state().tasks.get(key).map(|entry| entry.stored.head.clone()))
    }

    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        Ok(self.state().commit(key, &commit))
    }

    fn commit_spacing(&self) -> Duration {
        // A commit costs next to nothing here. A store that is paid for by the write asks for some milliseconds.
        Duration::ZERO
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        // All commits are kept here. A store that keeps the latest only returns `Replay::Snapshot` for the rest.
        let state = self.state();
        let log = state.tasks.get(key).map_or(&[][..], |entry| &entry.log);
        Ok(Replay::Commits(log.iter().filter(|record| record.version > after).cloned().collect()))
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        // First registered, then read: without a lock around both, the order is what counts.
        Ok(self.state().tasks.get_mut(key).map(|entry| {
            entry.watchers.insert(*watcher);
            entry.stored.clone()
        }))
    }

    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        Ok(self.state().tasks.get(key).map(|entry| entry.watchers.clone()).unwrap_or_default())
    }

    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        if let Some(entry) = self.state().tasks.get_mut(key) {
            entry.watchers.remove(watcher);
        }
        Ok(())
    }

    async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()> {
        if let Some(entry) = self.state().tasks.get_mut(key) {
            // All of it is compared: another claim of the same instance is another claim.
            entry.stored.head.claim.take_if(|current| current == claim);
        }
        Ok(())
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        let state = self.state();
        let matching = state.tasks.iter().filter(|(key, entry)| {
            key.tenant == query.tenant
                && entry.stored.head.principal == query.principal
                && query.matches(&entry.stored.task)
        });
        let mut all: Vec<_> = matching.map(|(_, entry)| entry.stored.task.clone()).collect();
        all.sort_by(|a, b| (b.status.timestamp, &b.id).cmp(&(a.status.timestamp, &a.id)));
        let total = query.counted.unwrap_or(all.len() as u64);
        all.retain(|task| query.after.as_ref().is_none_or(|cursor| cursor.precedes(task)));
        let mut page = FillingPage::new(query);
        let took_all = all.into_iter().all(|task| page.takes(task));
        let next = if took_all { None } else { page.last() };
        Ok(TaskPage { tasks: page.into_tasks(), next, total })
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        Ok(self.state().tasks.remove(key).is_some())
    }
}

impl State {
    /// Applies a commit if the task has the version that it expects.
    fn commit(&mut self, key: &TaskKey, commit: &Commit<'_>) -> Outcome {
        let entry = self.tasks.get(key);
        let actual = entry.map_or(Version::ABSENT, |entry| entry.stored.version);
        let last = entry.and_then(|entry| entry.log.last()).map(|record| record.id);
        if last == Some(commit.record().id) {
            // The answer to the first attempt was lost. It had its effect then, and has none now.
            return Outcome::Applied(actual);
        }
        if commit.expected() != actual {
            return Outcome::Conflict { actual };
        }
        self.apply(key, commit);
        Outcome::Applied(commit.tip().version)
    }

    /// Writes what a commit says.
    pub(crate) fn apply(&mut self, key: &TaskKey, commit: &Commit<'_>) {
        let entry = self.tasks.entry(key.clone()).or_insert_with(|| Entry::before(commit));
        let (stored, tip) = (&mut entry.stored, commit.tip());
        stored.task = commit.task().clone();
        (stored.version, stored.generation) = (tip.version, tip.generation);
        stored.head.state = commit.task().status.state.clone();
        stored.head.claim = commit.claim_after(stored.head.claim);
        stored.head.generation = tip.generation;
        if let (ClaimChange::Make { .. }, Some(caller)) = (commit.claim_change(), commit.caller()) {
            stored.head.caller = Some(Box::new(caller.clone()));
        }
        entry.log.push(Arc::clone(commit.record()));
    }
}

impl Entry {
    /// A task of which nothing is known but who creates it.
    fn before(commit: &Commit<'_>) -> Self {
        let (task, generation) = (commit.task().clone(), commit.tip().generation);
        let head = TaskHead {
            state: task.status.state.clone(),
            principal: commit.principal().cloned(),
            caller: None,
            claim: None,
            generation,
        };
        let stored = StoredTask { task, version: Version::ABSENT, generation, head };
        Entry { stored, watchers: BTreeSet::new(), log: Vec::new(), webhooks: BTreeMap::new() }
    }
}
