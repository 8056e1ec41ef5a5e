//! The tasks of the reference store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use a2a_core::{
    Commit, Cursor, ExecutorChange, InstanceId, Outcome, Principal, Replay, Result, StoredTask, TaskHead,
    TaskKey, TaskPage, TaskQuery, TaskStore, Tenant, Version,
};
use async_trait::async_trait;
use tokio::time::Instant;

use super::{Claim, Entry, Reference, State};

#[async_trait]
impl TaskStore for Reference {
    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        Ok(self.state().tasks.get(key).map(|entry| entry.stored.clone()))
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        Ok(self.state().tasks.get(key).map(|entry| entry.stored.head.clone()))
    }

    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        Ok(self.state().commit(key, &commit))
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        let state = self.state();
        let log = state.tasks.get(key).map_or(&[][..], |entry| &entry.log);
        Ok(Replay::Commits(log.iter().filter(|record| record.version > after).cloned().collect()))
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
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

    async fn release(&self, key: &TaskKey, executor: &InstanceId) -> Result<()> {
        if let Some(entry) = self.state().tasks.get_mut(key) {
            entry.stored.head.executor.take_if(|current| current.instance == *executor);
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
        let total = all.len() as u64;
        let rest: Vec<_> =
            all.into_iter().filter(|task| query.after.as_ref().is_none_or(|at| at.precedes(task))).collect();
        let mut tasks: Vec<_> = rest.iter().take(query.limit).cloned().collect();
        let next = tasks.last().filter(|_| rest.len() > query.limit).map(Cursor::of);
        tasks.iter_mut().for_each(|task| query.trim(task));
        Ok(TaskPage { tasks, next, total })
    }

    async fn claim_message(
        &self,
        tenant: &Tenant,
        principal: Option<&Principal>,
        message_id: &str,
        task_id: &str,
        window: Duration,
    ) -> Result<String> {
        let scope = (tenant.clone(), principal.cloned(), message_id.to_owned());
        let now = Instant::now();
        let mut state = self.state();
        state.claims.retain(|_, claim| claim.until > now);
        let claim = Claim { holder: task_id.to_owned(), until: now + window };
        Ok(state.claims.entry(scope).or_insert(claim).holder.clone())
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        Ok(self.state().tasks.remove(key).is_some())
    }
}

impl State {
    /// Applies a commit if it is due.
    pub(crate) fn commit(&mut self, key: &TaskKey, commit: &Commit<'_>) -> Outcome {
        let entry = self.tasks.get(key);
        let actual = entry.map_or(Version::ABSENT, |entry| entry.stored.version);
        let last = entry.and_then(|entry| entry.log.last()).map(|record| record.id);
        if last == Some(commit.record().id) {
            return Outcome::Applied(actual);
        }
        if commit.expected() != actual {
            return Outcome::Conflict { actual };
        }
        self.apply(key, commit);
        Outcome::Applied(commit.expected().next())
    }

    /// Appends a commit, due or not.
    pub(crate) fn apply(&mut self, key: &TaskKey, commit: &Commit<'_>) {
        let task = commit.task();
        let entry = self.tasks.entry(key.clone()).or_insert_with(|| {
            let head = TaskHead {
                state: task.status.state.clone(),
                principal: commit.principal().cloned(),
                executor: None,
            };
            let stored = StoredTask { task: task.clone(), version: Version::ABSENT, head };
            Entry { stored, watchers: BTreeSet::new(), log: Vec::new(), webhooks: BTreeMap::new() }
        });
        entry.stored.version = entry.stored.version.next();
        entry.stored.task = task.clone();
        entry.stored.head.state = task.status.state.clone();
        match commit.executor_change() {
            ExecutorChange::Keep => {}
            ExecutorChange::Claim(executor) => entry.stored.head.executor = Some(executor),
            ExecutorChange::Release => entry.stored.head.executor = None,
        }
        entry.log.push(Arc::clone(commit.record()));
    }
}
