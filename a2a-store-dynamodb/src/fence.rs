//! The fence: an empty entry where the log of a turn ends, found by two reads and not by reading the task.

use a2a_core::{BackendError, ClaimChange, CommitId, Result, TaskKey, Tip, Version, reduce};

use crate::DynamoDbStore;
use crate::items::attributes::{FREE, Item, number};
use crate::items::entry::{Body, Entry};
use crate::items::head::Head;
use crate::items::keys;
use crate::items::payload::Payload;
use crate::log;
use crate::requests::calls::Written;

/// An empty list of events.
const NO_EVENTS: &[u8] = b"[]";

/// Where the log of a turn under way ends.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    incarnation: u64,
    tip: Tip,
    /// The last commit, where its entry is still there.
    last: Option<CommitId>,
    log_units: u64,
    task_bytes: u64,
}

impl DynamoDbStore {
    /// Appends an empty entry to a turn under way. `None` where there is no such turn.
    ///
    /// An entry that was faster tells where the log ends now: the next one is tried at once, as soon as its writer
    /// could try.
    pub(crate) async fn fence(&self, key: &TaskKey, id: CommitId) -> Result<Option<Tip>> {
        let pk = keys::partition(key)?;
        self.known_logs.forget(&pk);
        let mut end = self.end_of_log(&pk).await?;
        while let Some(after) = end {
            if after.last == Some(id) {
                return Ok(Some(after.tip));
            }
            let expires = Some(self.now() + self.commit_seconds());
            let entry = after.fenced(id, expires);
            let tip = Tip { version: entry.version, ..after.tip };
            let put = self
                .calls
                .put(entry.item(&pk)?)
                .condition_expression(FREE)
                .expression_attribute_values(":g", number(after.incarnation));
            end = match self.calls.send_put(put).await? {
                Written::Done => return Ok(Some(tip)),
                Written::Unmet(found) => match self.next_end(&pk, &after, found).await? {
                    Some(next) => Some(next),
                    None => self.end_of_log(&pk).await?,
                },
            };
        }
        Ok(None)
    }

    /// Where the log ends after the entry that was faster. `None` where that does not tell.
    async fn next_end(&self, pk: &str, before: &End, found: Option<Item>) -> Result<Option<End>> {
        let entry = found.as_ref().map(Entry::read).transpose()?.flatten();
        let Some(entry) = entry.filter(|entry| entry.incarnation == before.incarnation) else {
            return Ok(None);
        };
        let end = End::at(&entry);
        Ok((entry.change == ClaimChange::Keep && self.goes_on(pk, entry).await?).then_some(end))
    }

    /// Finds the end of a task's log. `None` where there is no task, or no turn under way.
    async fn end_of_log(&self, pk: &str) -> Result<Option<End>> {
        let Some(head) = self.read_head(pk).await? else { return Ok(None) };
        let newest = self.newest_entry(pk, head.incarnation).await?;
        let newest = newest.as_ref().map(Entry::read).transpose()?.flatten();
        let floor = head.version.max(head.covered());
        match newest.filter(|entry| entry.version >= floor) {
            // Of this entry the head does not tell yet.
            Some(entry) if entry.version > head.version => {
                let end = End::at(&entry);
                Ok(self.goes_on(pk, entry).await?.then_some(end))
            }
            _ if reduce::ends_turn(&head.facts.state) => Ok(None),
            Some(entry) => Ok(Some(End::at(&entry))),
            None => End::covered(&head, floor).map(Some),
        }
    }

    /// Tells whether the turn goes on after an entry.
    async fn goes_on(&self, pk: &str, entry: Entry) -> Result<bool> {
        let record = log::unpack(entry, &self.calls, pk).await?;
        let record =
            record.ok_or_else(|| BackendError::Unavailable("a commit went while it was read".into()))?;
        Ok(!record.state().is_some_and(reduce::ends_turn))
    }
}

impl End {
    fn at(entry: &Entry) -> Self {
        End {
            incarnation: entry.incarnation,
            tip: Tip { version: entry.version, generation: entry.generation },
            last: Some(entry.id),
            log_units: entry.log_units,
            task_bytes: entry.task_bytes,
        }
    }

    /// The end of a log of which the head, or a snapshot, holds everything.
    fn covered(head: &Head, version: Version) -> Result<Self> {
        if head.covered() != version {
            return Err(BackendError::corrupt("a log without its last entry"));
        }
        Ok(End {
            incarnation: head.incarnation,
            tip: Tip { version, generation: head.covered_generation() },
            last: None,
            log_units: 0,
            task_bytes: head.covered_bytes(),
        })
    }

    /// The empty entry that follows.
    fn fenced(&self, id: CommitId, expires: Option<i64>) -> Entry {
        let body = Body::Inline(Payload { deflated: false, bytes: NO_EVENTS.to_vec() });
        Entry {
            version: self.tip.version.next(),
            incarnation: self.incarnation,
            generation: self.tip.generation,
            id,
            change: ClaimChange::Keep,
            log_units: self.log_units.saturating_add(body.units()),
            body,
            task_bytes: self.task_bytes,
            expires,
        }
    }
}
