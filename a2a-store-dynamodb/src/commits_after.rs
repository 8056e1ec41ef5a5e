//! The commits after a version, from the log; or the task where the log does not reach back so far.

use std::sync::Arc;

use a2a_core::{CommitRecord, Replay, Result, TaskKey, Version};

use crate::DynamoDbStore;
use crate::items::attributes::Item;
use crate::items::entry::{Body, Entry};
use crate::items::head::Head;
use crate::items::keys;
use crate::log;

/// The most commits of one answer.
const PAGE: i32 = 200;

/// The size of large commits, in parts, after which an answer ends.
const PAGE_PARTS: usize = 32;

impl DynamoDbStore {
    /// Reads a first part of the commits after a version.
    pub(crate) async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        let pk = keys::partition(key)?;
        let mut from = None;
        loop {
            let page = log::after(&self.calls, &pk, after).limit(PAGE).set_exclusive_start_key(from);
            // The head tells which entries count and how long the log is at least; the log may be longer.
            let (head, (items, next)) = futures::try_join!(self.read_head(&pk), self.calls.page(page))?;
            let Some(head) = head else { return Ok(Replay::Commits(Vec::new())) };
            if let Some(commits) = self.follow(&pk, &head, &items, after).await? {
                return Ok(Replay::Commits(commits));
            }
            if head.version.max(head.covered()) > after {
                return Ok(match self.load(key, None).await? {
                    Some(stored) => Replay::Snapshot(Box::new(stored)),
                    None => Replay::Commits(Vec::new()),
                });
            }
            // What an earlier life of the task has left may fill a page.
            if next.is_none() {
                return Ok(Replay::Commits(Vec::new()));
            }
            from = next;
        }
    }

    /// The commits that follow `after` without a hole. `None` where there are none.
    async fn follow(
        &self,
        pk: &str,
        head: &Head,
        items: &[Item],
        after: Version,
    ) -> Result<Option<Vec<Arc<CommitRecord>>>> {
        let mut entries = log::entries(items, head.incarnation)?;
        if let Some(first) = head.first_entry.as_ref().filter(|_| after == Version::ABSENT) {
            entries.insert(0, first.entry.clone());
        }
        entries.truncate(log::contiguous(&entries, after));
        entries.truncate(bounded(&entries));
        if entries.is_empty() {
            return Ok(None);
        }
        self.open(pk, entries).await
    }
}

/// How many entries fit an answer; at least one.
fn bounded(entries: &[Entry]) -> usize {
    let mut parts = 0;
    let fitting = entries.iter().take_while(|entry| {
        let fits = parts <= PAGE_PARTS;
        parts += match entry.body {
            Body::Inline(_) => 0,
            Body::Parts { parts, .. } => parts,
        };
        fits
    });
    fitting.count()
}
