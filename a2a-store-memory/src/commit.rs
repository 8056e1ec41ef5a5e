//! The compare-and-append: what a commit does to a task and to the indexes.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a::StreamResponse;
use a2a_core::{BackendError, Commit, Executor, ExecutorChange, Outcome, Result, TaskKey, Version};

use crate::entry::Entry;
use crate::listing::{Owner, Row};
use crate::location::Location;
use crate::log::Log;
use crate::retention::Surplus;
use crate::shards::lock;

impl Location {
    /// Applies a commit, or says why not.
    pub(crate) fn commit(&self, key: &TaskKey, commit: &Commit<'_>) -> Result<Outcome> {
        let mut shard = self.shards.lock(key);
        let surplus = match shard.tasks.get_mut(key) {
            Some(entry) => {
                let actual = entry.log.version();
                if actual != commit.expected() {
                    return Ok(fate_of_late(entry, commit));
                }
                self.append(key, entry, commit)
            }
            None if commit.expected() != Version::ABSENT => {
                return Ok(Outcome::Conflict { actual: Version::ABSENT });
            }
            None => {
                let mut entry = first(key, commit)?;
                self.listing.insert(&entry.owner, &entry.row);
                self.hand_over(key, &mut entry, commit.executor_change());
                let surplus = self.finish(key, &mut entry);
                shard.tasks.insert(key.clone(), entry);
                surplus
            }
        };
        drop(shard);
        if let Some(surplus) = surplus {
            self.discard(surplus);
        }
        Ok(Outcome::Applied(commit.record().version))
    }

    fn append(&self, key: &TaskKey, entry: &mut Entry, commit: &Commit<'_>) -> Option<Surplus> {
        entry.log.push(Arc::clone(commit.record()), &self.config);
        self.hand_over(key, entry, commit.executor_change());
        // A terminal state is never left, whatever the writer believes.
        if entry.row.state.is_terminal() || entry.row.describes(commit.task()) {
            return None;
        }
        let row = Row::new(Arc::clone(&entry.row.position.id), commit.task());
        self.listing.replace(&entry.owner, &entry.row, &row);
        entry.row = row;
        self.finish(key, entry)
    }

    fn hand_over(&self, key: &TaskKey, entry: &mut Entry, change: ExecutorChange) {
        let next = match change {
            ExecutorChange::Keep => return,
            ExecutorChange::Claim(executor) => Some(executor),
            ExecutorChange::Release => None,
        };
        self.set_executor(key, entry, next);
    }

    /// Records who runs a task.
    pub(crate) fn set_executor(&self, key: &TaskKey, entry: &mut Entry, next: Option<Executor>) {
        lock(&self.executing).hand_over(key, entry.executor.as_ref(), next.as_ref());
        entry.executor = next;
    }

    fn finish(&self, key: &TaskKey, entry: &mut Entry) -> Option<Surplus> {
        if !entry.row.state.is_terminal() {
            return None;
        }
        let (place, surplus) = lock(&self.retention).finish(key, entry.log.bytes(), &self.config);
        entry.finished = Some(place);
        Some(surplus)
    }
}

/// A commit that is the last one in the log already is a repetition: its first answer was lost.
fn fate_of_late(entry: &Entry, commit: &Commit<'_>) -> Outcome {
    let actual = entry.log.version();
    let record = commit.record();
    if record.version == actual && entry.log.last_id() == Some(record.id) {
        Outcome::Applied(actual)
    } else {
        Outcome::Conflict { actual }
    }
}

fn first(key: &TaskKey, commit: &Commit<'_>) -> Result<Entry> {
    let record = commit.record();
    if !matches!(record.events.first(), Some(StreamResponse::Task(_))) {
        return Err(BackendError::rejected("the first commit of a task must begin with the task itself"));
    }
    let owner = Owner { tenant: key.tenant.clone(), principal: commit.principal().cloned() };
    Ok(Entry {
        row: Row::new(key.task_id.as_str().into(), commit.task()),
        log: Log::new(Arc::clone(record)),
        owner: Arc::new(owner),
        executor: None,
        watchers: BTreeSet::new(),
        finished: None,
    })
}
