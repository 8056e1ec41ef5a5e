//! The commit: one conditional put of the next log entry, joined by the head in a transaction where that changes;
//! and the one put of a task that begins and ends with it.

use a2a_core::{BackendError, Commit, CommitId, Outcome, Result, TaskKey, Tip, Version};

use crate::DynamoDbStore;
use crate::attributes::{Attributes, FREE, INCARNATION, Item, number};
use crate::calls::{Transacted, Written};
use crate::draft::{self, Draft};
use crate::head::{Head, Snapshot};
use crate::log::{self, Entry};
use crate::parts::{self, Shelf};
use crate::tally::{Tally, sooner};
use crate::{headwrite, keys, snapshot};

/// How often a creation meets what is left of an earlier task, or a commit an outdated tally.
const TRIES: usize = 3;

/// The fate of one write.
pub(crate) enum Fate {
    Applied(Tally),
    /// The entry that is there, and the head, where it was asked; and the snapshot that was written for it.
    Lost {
        entry: Option<Item>,
        head: Option<Item>,
        snapshot: Option<Snapshot>,
    },
}

impl DynamoDbStore {
    /// Appends a commit.
    pub(crate) async fn append(&self, key: &TaskKey, commit: &Commit<'_>) -> Result<Outcome> {
        let draft = Draft::encode(key, commit, self.config.max_bytes).await?;
        if commit.expected() == Version::ABSENT {
            self.create(&draft).await
        } else {
            self.extend(&draft).await
        }
    }

    async fn create(&self, draft: &Draft<'_>) -> Result<Outcome> {
        let now = self.now();
        let mut incarnation = incarnation_of(draft.id());
        let mut replaced = None;
        let (mut seen, mut written) = (None, None);
        for _ in 0..TRIES {
            let tally = Tally::empty(incarnation, now);
            let fate = match draft.is_whole_task() {
                true => self.write_whole(draft, tally, replaced).await?,
                false => self.write_with_head(draft, tally, Some(replaced)).await?,
            };
            let (entry, head, snapshot) = match fate {
                Fate::Applied(tally) => return Ok(self.applied(draft, tally).await),
                Fate::Lost { entry, head, snapshot } => (entry, head, snapshot),
            };
            (seen, written) = (entry, snapshot.or(written));
            match head.as_ref().map(Head::read).transpose()? {
                // What is left of a deleted or expired task gives way to a later life of it.
                Some(head) if !head.is_visible(now) => {
                    incarnation = incarnation.max(head.incarnation + 1);
                    replaced = Some(head.incarnation);
                }
                _ => break,
            }
        }
        self.lost(draft, seen, written).await
    }

    async fn extend(&self, draft: &Draft<'_>) -> Result<Outcome> {
        let expected = draft.commit.expected();
        let fresh = self.now() - self.commit_seconds() / 2;
        let mut remembered = self.tallies.at(&draft.pk, expected, fresh);
        let mut written = None;
        loop {
            let was_remembered = remembered.is_some();
            let tally = match remembered.take() {
                Some(tally) => tally,
                None => match self.standing(&draft.pk, expected).await? {
                    Some(tally) => tally,
                    None => return self.lost(draft, None, written).await,
                },
            };
            let fate = if draft.touches_head() {
                self.write_with_head(draft, tally, None).await?
            } else {
                self.write_entry(draft, tally).await?
            };
            match fate {
                Fate::Applied(tally) => return Ok(self.applied(draft, tally).await),
                // The memory may be of an earlier life of the task: look, and try once more.
                Fate::Lost { snapshot, .. } if was_remembered => {
                    written = snapshot;
                    self.tallies.forget(&draft.pk);
                }
                Fate::Lost { entry, snapshot, .. } => {
                    return self.lost(draft, entry, snapshot.or(written)).await;
                }
            }
        }
    }

    /// Reads where the log stands. `None` where it has not, or no longer, this version.
    async fn standing(&self, pk: &str, version: Version) -> Result<Option<Tally>> {
        let sk = keys::commit(version);
        let (head, entry) = futures::try_join!(self.calls.get(pk, keys::HEAD), self.calls.get(pk, &sk))?;
        let Some(mut head) = head.as_ref().map(Head::read).transpose()? else { return Ok(None) };
        if !head.is_visible(self.now()) || head.covered() > version || head.version > version {
            return Ok(None);
        }
        let entry = entry.as_ref().map(Entry::read).transpose()?.flatten();
        let entry = entry.filter(|entry| entry.incarnation == head.incarnation);
        let covered = head.covered() == version;
        if entry.is_none() && !covered {
            return Ok(None);
        }
        let covered_bytes = head.covered_bytes();
        let covered_generation = head.covered_generation();
        let generation = entry.as_ref().map_or(covered_generation, |entry| entry.generation);
        Ok(Some(Tally {
            incarnation: head.incarnation,
            tip: Tip { version, generation },
            log_units: entry.as_ref().filter(|_| !covered).map_or(0, |entry| entry.log_units),
            task_bytes: entry.as_ref().filter(|_| !covered).map_or(covered_bytes, |entry| entry.task_bytes),
            lasts_until: sooner(
                head.snapshot.as_ref().and_then(|snapshot| snapshot.expires),
                entry.filter(|_| !covered).and_then(|entry| entry.expires),
            ),
            whole: head.covers_itself(),
            snapshot: head.snapshot.take(),
            noted: self.now(),
        }))
    }

    async fn write_entry(&self, draft: &Draft<'_>, mut tally: Tally) -> Result<Fate> {
        let limit = self.config.max_bytes as u64;
        if tally.task_bytes.saturating_add(draft.json_bytes) > limit {
            // The sum counts what was replaced as well; only the task itself tells.
            let actual = draft::measure(draft.task());
            if actual > limit {
                let actual = usize::try_from(actual).unwrap_or(usize::MAX);
                return Err(BackendError::TooLarge {
                    what: "the task",
                    actual,
                    limit: self.config.max_bytes,
                });
            }
            tally.task_bytes = actual.saturating_sub(draft.json_bytes);
        }
        let entry = self.shelve(draft, &mut tally).await?;
        let put = self
            .calls
            .put(entry.item(&draft.pk)?)
            .condition_expression(FREE)
            .expression_attribute_values(":g", number(tally.incarnation));
        match self.calls.send_put(put).await? {
            Written::Done => Ok(Fate::Applied(tally)),
            Written::Unmet(entry) => self.settle(draft, tally, entry, None, None).await,
        }
    }

    /// Writes an entry and the head in one transaction; `creation` says which earlier life a new head replaces.
    async fn write_with_head(
        &self,
        draft: &Draft<'_>,
        mut tally: Tally,
        creation: Option<Option<u64>>,
    ) -> Result<Fate> {
        let entry = self.shelve(draft, &mut tally).await?;
        let earlier = tally.snapshot.clone();
        let written = self.sum_up_turn(draft, &mut tally).await?;
        let actions =
            headwrite::transaction(&self.calls, draft, &entry, &tally, creation, &self.times(draft))?;
        let (transacted, configs) =
            futures::join!(self.calls.transact(actions), self.configs_to_expire(draft));
        let fate = match transacted? {
            Transacted::Done => {
                if written.is_some() {
                    self.retire(&draft.pk, earlier.as_ref()).await;
                }
                Fate::Applied(tally)
            }
            Transacted::Unmet(mut items) => {
                let head = items.pop().flatten();
                self.settle(draft, tally, items.pop().flatten(), head, written).await?
            }
        };
        if matches!(fate, Fate::Applied(_)) {
            self.expire_configs(draft, configs).await;
        }
        Ok(fate)
    }

    /// Writes the parts of a large commit and makes the entry that will count them; advances the tally.
    pub(crate) async fn shelve(&self, draft: &Draft<'_>, tally: &mut Tally) -> Result<Entry> {
        let expires = Some(self.now() + self.commit_seconds());
        if let Some(overflow) = &draft.overflow {
            let prefix = keys::commit_parts(draft.id());
            let shelf = Shelf { pk: &draft.pk, prefix: &prefix, incarnation: tally.incarnation, expires };
            parts::write(&self.calls, shelf, overflow).await?;
        }
        tally.tip = draft.tip();
        tally.log_units = tally.log_units.saturating_add(draft.units());
        tally.task_bytes = tally.task_bytes.saturating_add(draft.json_bytes);
        tally.lasts_until = sooner(tally.lasts_until, expires);
        tally.noted = self.now();
        Ok(Entry {
            version: draft.version(),
            incarnation: tally.incarnation,
            generation: draft.tip().generation,
            id: draft.id(),
            change: draft.commit.claim_change(),
            body: draft.body.clone(),
            log_units: tally.log_units,
            task_bytes: tally.task_bytes,
            expires,
        })
    }

    /// At the end of a turn: writes the snapshot that the head will point to once the commit is applied.
    /// Returns it where one was written.
    async fn sum_up_turn(&self, draft: &Draft<'_>, tally: &mut Tally) -> Result<Option<Snapshot>> {
        if !draft.ends_turn() {
            return Ok(None);
        }
        if draft.commit.record().events.is_empty() && tally.cover(draft.commit.expected(), draft.version()) {
            return Ok(None);
        }
        let packed = snapshot::pack(draft.task()).await?;
        let expires = self.times(draft).snapshot;
        let named = (draft.tip(), draft.id());
        let written =
            snapshot::write(&self.calls, &draft.pk, tally.incarnation, named, &packed, expires).await?;
        tally.summed_up(written.clone());
        Ok(Some(written))
    }

    /// Tells our own earlier write from somebody else's.
    pub(crate) async fn settle(
        &self,
        draft: &Draft<'_>,
        mut tally: Tally,
        entry: Option<Item>,
        head: Option<Item>,
        snapshot: Option<Snapshot>,
    ) -> Result<Fate> {
        match own_incarnation(draft, entry.as_ref(), head.as_ref())? {
            Some(incarnation) => {
                tally.incarnation = incarnation;
                self.discard_unless_current(&draft.pk, snapshot.as_ref()).await;
                Ok(Fate::Applied(tally))
            }
            None => Ok(Fate::Lost { entry, head, snapshot }),
        }
    }

    /// Takes note of an applied commit, and writes a snapshot where one is due.
    async fn applied(&self, draft: &Draft<'_>, tally: Tally) -> Outcome {
        let version = tally.tip.version;
        if draft.task().status.state.is_terminal() {
            self.tallies.forget(&draft.pk);
        } else if self.is_snapshot_due(&tally) {
            let tally = self.summarize(&draft.pk, draft.task(), draft.id(), tally).await;
            self.tallies.note(&draft.pk, tally);
        } else {
            self.tallies.note(&draft.pk, tally);
        }
        Outcome::Applied(version)
    }

    /// Answers for a commit that did not win: with its own version if it had won before, else the actual one.
    async fn lost(
        &self,
        draft: &Draft<'_>,
        seen: Option<Item>,
        written: Option<Snapshot>,
    ) -> Result<Outcome> {
        self.tallies.forget(&draft.pk);
        let entry = match seen {
            Some(entry) => Some(entry),
            // It would lie in the head, which has been looked at.
            None if draft.is_whole_task() => None,
            None => self.calls.get(&draft.pk, &keys::commit(draft.version())).await?,
        };
        if own_incarnation(draft, entry.as_ref(), None)?.is_some() {
            self.discard_unless_current(&draft.pk, written.as_ref()).await;
            return Ok(Outcome::Applied(draft.version()));
        }
        self.discard(&draft.pk, written.as_ref()).await;
        Ok(Outcome::Conflict { actual: self.actual(&draft.pk).await? })
    }
}

/// The life of a task that a commit begins: the millisecond in which the commit got its name. So a commit that is sent
/// again begins no other life.
fn incarnation_of(id: CommitId) -> u64 {
    (id.uuid().as_u128() >> 80) as u64
}

/// The incarnation of an entry that this very commit has written, be it an item or in the head.
fn own_incarnation(draft: &Draft<'_>, entry: Option<&Item>, head: Option<&Item>) -> Result<Option<u64>> {
    if let Some(head) = head.filter(|_| draft.commit.expected() == Version::ABSENT)
        && log::id_of(head)? == Some(draft.id())
    {
        return head.parse(INCARNATION).map(Some);
    }
    let entry = entry.map(Entry::read).transpose()?.flatten();
    let own = entry.filter(|entry| entry.id == draft.id() && entry.version == draft.version());
    Ok(own.map(|entry| entry.incarnation))
}
