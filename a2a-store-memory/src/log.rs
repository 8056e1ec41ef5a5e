//! One task's content: its latest commits, and the task as all earlier ones made it.

use std::collections::VecDeque;
use std::sync::Arc;

use a2a::{StreamResponse, Task};
use a2a_core::{CommitId, CommitRecord, Tip, Version, reduce};

use crate::{MemoryStoreConfig, weight};

/// A bounded log and the fold of what is no longer in it.
///
/// A commit is only appended. It is folded into the task when somebody reads the task, or when it leaves the
/// log, whichever comes first: once, and never at the price of a whole task. Of a task that nobody reads there is no
/// copy beside its commits.
#[derive(Debug)]
pub(crate) struct Log {
    /// The fold of the commits up to `folded`; nothing while that is none. Shared with readers, who copy it without
    /// holding a lock.
    task: Option<Arc<Task>>,
    folded: Version,
    records: VecDeque<Arc<CommitRecord>>,
    bytes: usize,
    tip: Tip,
}

impl Log {
    /// Begins the log of a task with its first commit, which begins with the task itself.
    pub(crate) fn new(first: Arc<CommitRecord>) -> Self {
        Log {
            task: None,
            folded: Version::ABSENT,
            tip: first.tip(),
            bytes: weight::of(&first),
            records: VecDeque::from([first]),
        }
    }

    pub(crate) fn tip(&self) -> Tip {
        self.tip
    }

    /// Returns the id of the commit that made the current version.
    pub(crate) fn last_id(&self) -> Option<CommitId> {
        self.records.back().map(|record| record.id)
    }

    /// The content of the commits that are kept, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps the last commit only; returns the others, for the caller to drop.
    pub(crate) fn truncate(&mut self) -> VecDeque<Arc<CommitRecord>> {
        self.task();
        let last = self.records.pop_back();
        self.bytes = last.as_deref().map_or(0, weight::of);
        std::mem::replace(&mut self.records, VecDeque::from_iter(last))
    }

    /// Appends the next commit and drops the oldest beyond the bounds.
    pub(crate) fn push(&mut self, record: Arc<CommitRecord>, config: &MemoryStoreConfig) {
        self.tip = record.tip();
        self.bytes = self.bytes.saturating_add(weight::of(&record));
        self.records.push_back(record);
        while self.records.len() > 1
            && (self.records.len() > config.log_commits || self.bytes > config.log_bytes)
        {
            let Some(oldest) = self.records.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(weight::of(&oldest));
            fold(&mut self.task, &mut self.folded, &oldest);
        }
    }

    /// Returns the task as it is now: there is one, as the first commit began with it.
    pub(crate) fn task(&mut self) -> Option<Arc<Task>> {
        for record in &self.records {
            fold(&mut self.task, &mut self.folded, record);
        }
        self.task.clone()
    }

    /// Returns the commits after a version, or `None` where some of them have left the log.
    pub(crate) fn after(&self, after: Version) -> Option<Vec<Arc<CommitRecord>>> {
        let oldest = self.records.front()?.version;
        if after.next() < oldest {
            return None;
        }
        let known = after.next().get().saturating_sub(oldest.get());
        Some(self.records.iter().skip(usize::try_from(known).unwrap_or(usize::MAX)).cloned().collect())
    }
}

fn fold(task: &mut Option<Arc<Task>>, folded: &mut Version, record: &CommitRecord) {
    if record.version <= *folded {
        return;
    }
    *folded = record.version;
    for event in &record.events {
        match (task.as_mut(), event) {
            // Copies the task only while a reader is copying it too.
            (Some(task), event) => reduce::apply(Arc::make_mut(task), event),
            (None, StreamResponse::Task(whole)) => *task = Some(Arc::new(whole.clone())),
            (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests;
