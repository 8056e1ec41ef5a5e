//! What became of a commit: applied now, or by an earlier attempt, or another has won.

use a2a_core::{Outcome, Result, Version};

use crate::DynamoDbStore;
use crate::commit::prepared::PreparedCommit;
use crate::items::attributes::{Attributes, INCARNATION, Item};
use crate::items::entry::{self, Entry};
use crate::items::keys;
use crate::items::snapshot::Snapshot;
use crate::log_stats::LogStats;

/// The fate of one write.
pub(crate) enum Fate {
    /// It was applied; where the log stands, unless somebody else has written since.
    Applied(Option<LogStats>),
    /// An earlier attempt of the same commit was applied, in this life of the task.
    AppliedBefore(u64),
    /// The entry that is there, and the head, where it was asked; and the snapshot that was written for it.
    Lost { entry: Option<Item>, head: Option<Item>, snapshot: Option<Snapshot> },
    /// The task was deleted meanwhile.
    Gone,
}

impl DynamoDbStore {
    /// Tells our own earlier write from somebody else's.
    pub(crate) async fn own_or_lost(
        &self,
        prepared: &PreparedCommit<'_>,
        entry: Option<Item>,
        head: Option<Item>,
        snapshot: Option<Snapshot>,
    ) -> Result<Fate> {
        if let Some(incarnation) = own_incarnation(prepared, entry.as_ref(), head.as_ref())? {
            self.discard_unless_current(&prepared.pk, snapshot.as_ref()).await;
            return Ok(Fate::AppliedBefore(incarnation));
        }
        Ok(Fate::Lost { entry, head, snapshot })
    }

    /// Takes note of an applied commit, and writes a snapshot where one is due.
    pub(crate) async fn applied(&self, prepared: &PreparedCommit<'_>, stats: Option<LogStats>) -> Outcome {
        match stats {
            Some(stats) if !prepared.task().status.state.is_terminal() => {
                // At the end of a turn that has been tried.
                let stats = if stats.in_turn && self.is_snapshot_due(&stats) {
                    self.take_snapshot(&prepared.pk, prepared.task(), stats).await
                } else {
                    stats
                };
                self.known_logs.note(&prepared.pk, stats);
            }
            _ => self.known_logs.forget(&prepared.pk),
        }
        Outcome::Applied(prepared.version())
    }

    /// Answers for a commit that did not win: with its own version if it had won before, else the actual one.
    pub(crate) async fn lost(
        &self,
        prepared: &PreparedCommit<'_>,
        seen: Option<Item>,
        written: Option<Snapshot>,
    ) -> Result<Outcome> {
        self.known_logs.forget(&prepared.pk);
        let entry = match seen {
            Some(entry) => Some(entry),
            // It would lie in the head, which has been looked at.
            None if prepared.commit.expected() == Version::ABSENT && prepared.fits_head() => None,
            None => self.calls.get(&prepared.pk, &keys::commit(prepared.version())).await?,
        };
        if let Some(incarnation) = own_incarnation(prepared, entry.as_ref(), None)? {
            self.discard_unless_current(&prepared.pk, written.as_ref()).await;
            return self.applied_before(prepared, incarnation).await;
        }
        self.discard(&prepared.pk, written.as_ref()).await;
        Ok(Outcome::Conflict { actual: self.actual(&prepared.pk).await? })
    }
}

/// The life of the task in which this very commit has written the entry, be it an item or in the head.
fn own_incarnation(
    prepared: &PreparedCommit<'_>,
    entry: Option<&Item>,
    head: Option<&Item>,
) -> Result<Option<u64>> {
    if let Some(head) = head.filter(|_| prepared.commit.expected() == Version::ABSENT)
        && entry::id_of(head)? == Some(prepared.id())
    {
        return head.parse(INCARNATION).map(Some);
    }
    let entry = entry.map(Entry::read).transpose()?.flatten();
    let own = entry.filter(|entry| entry.id == prepared.id() && entry.version == prepared.version());
    Ok(own.map(|entry| entry.incarnation))
}
