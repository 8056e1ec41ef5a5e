//! The recent commits of one task, bounded in number and bytes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::Time;
use a2a_core::{CommitRecord, Version, weight};

/// What a reader finds behind its cursor.
#[derive(Debug)]
pub enum Tail {
    /// These commits, the next ones in order. Empty: nothing is new.
    Commits(Vec<Arc<CommitRecord>>),
    /// The reader is further behind than the ring reaches: read the store.
    Behind,
}

/// The tail of a task's log, without a hole, and what arrived ahead of it.
#[derive(Debug, Clone)]
pub struct Ring {
    commits: VecDeque<Kept>,
    bytes: usize,
    head: Version,
    early: BTreeMap<Version, (Arc<CommitRecord>, Time)>,
    early_bytes: usize,
    /// When those commits were received that the bus brought and that readers see since the last look.
    released: Vec<Time>,
    /// The highest version that anyone told us of.
    heard_of: Version,
    ended: bool,
    max_commits: usize,
    max_bytes: usize,
}

/// A commit that readers can see.
#[derive(Debug, Clone)]
struct Kept {
    record: Arc<CommitRecord>,
    bytes: usize,
    /// When it became known here.
    since: Time,
}

/// Commits that arrived ahead of a gap and are held until it closes. More are dropped: the store has them.
const MAX_EARLY: usize = 64;

impl Ring {
    pub fn new(max_commits: usize, max_bytes: usize) -> Self {
        Ring {
            commits: VecDeque::new(),
            bytes: 0,
            head: Version::ABSENT,
            early: BTreeMap::new(),
            early_bytes: 0,
            released: Vec::new(),
            heard_of: Version::ABSENT,
            ended: false,
            max_commits: max_commits.max(1),
            max_bytes,
        }
    }

    /// The bytes that it takes, roughly.
    pub fn bytes(&self) -> usize {
        self.bytes + self.early_bytes
    }

    /// Sets how many bytes it may take from now on. The latest commit is kept whatever it takes.
    pub fn limit(&mut self, bytes: usize) {
        self.max_bytes = bytes;
    }

    /// The version up to which everything is known.
    pub fn head(&self) -> Version {
        self.head
    }

    /// Whether the task has reached a terminal state.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Whether commits are known to exist that are missing here.
    pub fn has_gap(&self) -> bool {
        self.heard_of > self.head
    }

    /// Takes a commit from whoever knows it to be the latest: the executor, or the store.
    pub fn publish(&mut self, record: Arc<CommitRecord>, now: Time) {
        if record.version <= self.head {
            return;
        }
        if record.version != self.head.next() {
            self.clear();
        }
        self.push(record, now);
        self.close_gap();
    }

    /// Takes a commit that the bus brought: early, late, twice or in order.
    pub fn offer(&mut self, record: Arc<CommitRecord>, received: Time) {
        self.heard_of = self.heard_of.max(record.version);
        if record.version == self.head.next() {
            self.release(record, received);
            self.close_gap();
        } else if record.version > self.head
            && self.early.len() < MAX_EARLY
            && self.early_bytes < self.max_bytes
        {
            let bytes = weight::of_record(&record);
            if self.early.insert(record.version, (record, received)).is_none() {
                self.early_bytes += bytes;
            }
        }
    }

    /// Takes word that the task has at least this version.
    pub fn hear_of(&mut self, version: Version) {
        self.heard_of = self.heard_of.max(version);
    }

    /// Skips to a version that the store has; `ended` tells whether that one is terminal. Returns whether it was ahead:
    /// then readers that are behind have to read what was skipped from the store.
    #[must_use = "whoever is behind waits for nothing, unless it is woken"]
    pub fn advance(&mut self, version: Version, ended: bool) -> bool {
        let is_ahead = version > self.head;
        if is_ahead {
            self.clear();
            self.head = version;
            self.ended |= ended;
            self.close_gap();
        }
        is_ahead
    }

    /// Takes word from the store that it has no more than this.
    pub fn forget_gap(&mut self) {
        self.heard_of = self.head;
        self.early.clear();
        self.early_bytes = 0;
    }

    /// Returns when a commit became known here, if it is kept.
    pub fn known_since(&self, version: Version) -> Option<Time> {
        let oldest = self.commits.front()?.record.version;
        let position = usize::try_from(version.get().checked_sub(oldest.get())?).ok()?;
        self.commits.get(position).map(|kept| kept.since)
    }

    /// Takes the times of receipt of what the bus brought and readers can see since the last call.
    pub fn take_released(&mut self) -> Vec<Time> {
        std::mem::take(&mut self.released)
    }

    /// Returns what follows a reader's cursor.
    pub fn after(&self, cursor: Version) -> Tail {
        if cursor >= self.head {
            return Tail::Commits(Vec::new());
        }
        let oldest = self.commits.front().map(|kept| kept.record.version);
        match oldest {
            Some(oldest) if oldest <= cursor.next() => {
                let skip = usize::try_from(cursor.get() + 1 - oldest.get()).unwrap_or(usize::MAX);
                Tail::Commits(self.commits.iter().skip(skip).map(|kept| Arc::clone(&kept.record)).collect())
            }
            _ => Tail::Behind,
        }
    }

    fn clear(&mut self) {
        self.commits.clear();
        self.bytes = 0;
    }

    fn close_gap(&mut self) {
        while let Some(entry) = self.early.first_entry() {
            let version = *entry.key();
            if version > self.head.next() {
                return;
            }
            let (record, received) = entry.remove();
            self.early_bytes -= weight::of_record(&record);
            if version > self.head {
                self.release(record, received);
            }
        }
    }

    fn release(&mut self, record: Arc<CommitRecord>, received: Time) {
        self.released.push(received);
        self.push(record, received);
    }

    fn push(&mut self, record: Arc<CommitRecord>, since: Time) {
        self.head = record.version;
        self.heard_of = self.heard_of.max(record.version);
        self.ended |= record.is_terminal();
        let bytes = weight::of_record(&record);
        self.bytes += bytes;
        self.commits.push_back(Kept { record, bytes, since });
        while self.commits.len() > self.max_commits || (self.bytes > self.max_bytes && self.commits.len() > 1)
        {
            if let Some(oldest) = self.commits.pop_front() {
                self.bytes -= oldest.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests;
