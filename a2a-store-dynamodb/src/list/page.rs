//! One page of a list: tasks as they are now, in the order of the index, read until the page is full.

use std::collections::{HashMap, HashSet};

use a2a::Task;
use a2a_core::{FillingPage, Result, TaskQuery};
use futures::stream::FuturesOrdered;
use futures::{FutureExt, StreamExt};

use crate::DynamoDbStore;
use crate::items::attributes::{Attributes, PK};
use crate::items::head::{Head, POSITION};
use crate::items::keys;
use crate::items::order;
use crate::items::snapshot::Place;
use crate::items::unreadable::{leave_out, read_or_leave_out};
use crate::list::Entry;

/// How many tasks of a page are read at once.
const AT_ONCE: usize = 16;

/// How many heads one request reads.
pub(super) const HEADS: usize = 100;

impl DynamoDbStore {
    /// Puts the tasks of these entries on a page, in their order, until it is full; leaves out those that match no
    /// more. Returns how many entries are dealt with.
    ///
    /// Of a page's bytes no more is read ahead than is left of them, as far as heads know what lies behind them.
    pub(crate) async fn fill(
        &self,
        query: &TaskQuery,
        page: &mut FillingPage<'_>,
        shown: &mut HashSet<String>,
        entries: &[Entry],
    ) -> Result<usize> {
        let heads = self.heads(query, shown, entries).await?;
        let mut heads = heads.into_iter().peekable();
        let (mut reads, mut ahead) = (FuturesOrdered::new(), 0_usize);
        loop {
            while let Some((n, is_current, pk, head)) = heads.next_if(|(.., head)| {
                let bytes = ahead.saturating_add(expected_bytes(query, head));
                reads.is_empty() || (reads.len() < AT_ONCE && bytes <= page.room_in_bytes())
            }) {
                let bytes = expected_bytes(query, &head);
                ahead = ahead.saturating_add(bytes);
                let read = async move {
                    (n, is_current, bytes, self.read_task(pk, Some(head), query.artifacts).await)
                };
                reads.push_back(read.boxed());
            }
            let Some((n, is_current, bytes, read)) = reads.next().await else { return Ok(entries.len()) };
            ahead = ahead.saturating_sub(bytes);
            let pk = entries.get(n).map_or("", |entry| &entry.pk);
            let Some(loaded) = leave_out(read, pk, keys::HEAD)?.flatten() else { continue };
            if loaded.behind.is_some() {
                self.repair_later(pk);
            }
            let task = loaded.stored.task;
            if !query.matches(&task) || !(is_current || is_below(query, &task)) {
                continue;
            }
            let id = task.id.clone();
            if !page.takes(task) {
                return Ok(n);
            }
            shown.insert(id);
        }
    }

    /// The heads of these entries' tasks, in their order, each once, with the numbers of the entries, and whether the head
    /// has the place that the entry tells.
    async fn heads<'a>(
        &self,
        query: &TaskQuery,
        shown: &HashSet<String>,
        entries: &'a [Entry],
    ) -> Result<Vec<(usize, bool, &'a str, Head)>> {
        let mut seen: HashSet<&str> = shown.iter().map(String::as_str).collect();
        let numbered = entries.iter().enumerate();
        let numbered: Vec<_> = numbered.filter(|(_, entry)| seen.insert(&entry.cursor.task_id)).collect();
        let mut items = HashMap::new();
        for chunk in numbered.chunks(HEADS) {
            let partitions: Vec<&str> = chunk.iter().map(|(_, entry)| entry.pk.as_str()).collect();
            for item in self.calls.get_each(&partitions, keys::HEAD).await? {
                items.insert(item.text(PK)?.to_owned(), item);
            }
        }
        let now = self.now();
        let mut heads = Vec::with_capacity(items.len());
        for (n, entry) in numbered {
            let Some(item) = items.get(&entry.pk) else { continue };
            let Some(head) = read_or_leave_out(item, Head::read)? else { continue };
            if head.is_visible(now) && head.facts.principal == query.principal {
                let place = item.text(POSITION).and_then(order::cursor).ok();
                heads.push((n, place.as_ref() == Some(&entry.cursor), entry.pk.as_str(), head));
            }
        }
        Ok(heads)
    }
}

/// Tells whether a task that has moved up since the index was read is still below the beginning of the page.
fn is_below(query: &TaskQuery, task: &Task) -> bool {
    query.after.as_ref().is_none_or(|after| after.precedes(task))
}

/// About how many bytes it takes to read a task for a list.
fn expected_bytes(query: &TaskQuery, head: &Head) -> usize {
    let covered = usize::try_from(head.covered_bytes()).unwrap_or(usize::MAX);
    let covered = match head.snapshot.as_ref().map(|snapshot| &snapshot.place) {
        // Parts are about equal; those of artifacts are not read.
        Some(Place::Items { parts: (own, artifacts), .. }) if !query.artifacts => {
            let (own, artifacts) = (*own, *artifacts);
            (covered / (own + artifacts).max(1)).saturating_mul(own)
        }
        _ => covered,
    };
    // The size of the log behind it is not known: so many of them are taken for a page.
    let log = if head.is_complete() { 0 } else { query.bytes / AT_ONCE };
    covered.saturating_add(log)
}
