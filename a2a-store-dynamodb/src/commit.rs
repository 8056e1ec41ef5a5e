//! The commit: one conditional put of the next log entry, which decides; and the head after it, or with it.
//!
//! What an agent says in its turn is the entry alone. A status of a turn that goes on, and the end of a turn, are the
//! entry and then the head: who dies between the two leaves a head that says less than the log, and whoever takes the
//! task over or reads it brings that up to date. A claim, and whatever follows the end of a turn, is one transaction: the
//! index of executors must not miss a task that somebody runs, and a head that tells the end must tell the last one.

use a2a_core::{BackendError, ClaimChange, Commit, Outcome, Result, TaskKey, Tip, Version, reduce};

use crate::DynamoDbStore;
use crate::attributes::{Attributes, FREE, INCARNATION, Item, number};
use crate::calls::{Transacted, Written};
use crate::draft::{self, Draft};
use crate::head::{Head, Snapshot};
use crate::head_after::HeadFate;
use crate::log::{self, Entry};
use crate::parts::{self, Common};
use crate::standing::{Standing, sooner};
use crate::{headwrite, keys};

/// The fate of one write.
pub(crate) enum Fate {
    /// It was applied; where the log stands, unless somebody else has written since.
    Applied(Option<Standing>),
    /// An earlier attempt of the same commit was applied, in this life of the task.
    AppliedBefore(u64),
    /// The entry that is there, and the head, where it was asked; and the snapshot that was written for it.
    Lost { entry: Option<Item>, head: Option<Item>, snapshot: Option<Snapshot> },
    /// The task was deleted meanwhile.
    Gone,
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

    async fn extend(&self, draft: &Draft<'_>) -> Result<Outcome> {
        let expected = draft.commit.expected();
        let fresh = self.now() - self.commit_seconds() / 2;
        let mut remembered = self.standings.at(&draft.pk, expected, fresh);
        let mut written = None;
        loop {
            let was_remembered = remembered.is_some();
            let standing = match remembered.take() {
                Some(standing) => standing,
                None => match self.read_standing(&draft.pk, expected).await? {
                    Some(standing) => standing,
                    None => return self.lost(draft, None, written).await,
                },
            };
            let fate = match draft.needs_transaction(&standing) {
                true => self.write_with_head(draft, standing, None).await?,
                false => self.write_entry(draft, standing).await?,
            };
            match fate {
                Fate::Applied(standing) => return Ok(self.applied(draft, standing).await),
                Fate::AppliedBefore(incarnation) => return self.applied_before(draft, incarnation).await,
                // The memory may be of an earlier life of the task: look, and try once more.
                Fate::Lost { snapshot, .. } if was_remembered => {
                    written = snapshot;
                    self.standings.forget(&draft.pk);
                }
                Fate::Lost { entry, snapshot, .. } => {
                    return self.lost(draft, entry, snapshot.or(written)).await;
                }
                Fate::Gone => return self.lost(draft, None, written).await,
            }
        }
    }

    /// Reads where the log stands. `None` where it has not, or no longer, this version.
    async fn read_standing(&self, pk: &str, version: Version) -> Result<Option<Standing>> {
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
        Ok(Some(Standing {
            incarnation: head.incarnation,
            tip: Tip { version, generation },
            log_units: entry.as_ref().filter(|_| !covered).map_or(0, |entry| entry.log_units),
            task_bytes: entry.as_ref().filter(|_| !covered).map_or(covered_bytes, |entry| entry.task_bytes),
            lasts_until: sooner(
                head.snapshot.as_ref().and_then(Snapshot::expires),
                entry.filter(|_| !covered).and_then(|entry| entry.expires),
            ),
            whole: head.covers_itself(),
            // What the commits behind the head have made of the state is not known.
            in_turn: head.version == version && !reduce::ends_turn(&head.facts.state),
            caller: std::mem::take(&mut head.index_caller),
            snapshot: head.snapshot.take(),
            noted: self.now(),
        }))
    }

    /// Writes an entry, and then the head where that is to change.
    async fn write_entry(&self, draft: &Draft<'_>, mut standing: Standing) -> Result<Fate> {
        if !draft.touches_head() {
            self.check_growth(draft, &mut standing)?;
        }
        let entry = self.entry(draft, &mut standing).await?;
        let put = self
            .calls
            .put(entry.item(&draft.pk)?)
            .condition_expression(FREE)
            .expression_attribute_values(":g", number(standing.incarnation));
        if let Written::Unmet(found) = self.calls.send_put(put).await? {
            return self.own_or_lost(draft, found, None, None).await;
        }
        if draft.touches_head() {
            match self.follow_with_head(draft, &mut standing).await? {
                HeadFate::Written => {}
                HeadFate::Overtaken => return Ok(Fate::Applied(None)),
                HeadFate::Gone => {
                    // What was deleted gets no entry after that.
                    self.remove_entry(draft, standing.incarnation).await?;
                    return Ok(Fate::Gone);
                }
            }
        }
        Ok(Fate::Applied(Some(standing)))
    }

    /// Refuses what would let a task grow beyond its limit.
    fn check_growth(&self, draft: &Draft<'_>, standing: &mut Standing) -> Result<()> {
        let limit = self.config.max_bytes as u64;
        if standing.task_bytes.saturating_add(draft.json_bytes) > limit {
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
            standing.task_bytes = actual.saturating_sub(draft.json_bytes);
        }
        Ok(())
    }

    /// Writes an entry and the head in one transaction; `creation` says which earlier life a new head replaces.
    pub(crate) async fn write_with_head(
        &self,
        draft: &Draft<'_>,
        mut standing: Standing,
        creation: Option<Option<u64>>,
    ) -> Result<Fate> {
        let entry = self.entry(draft, &mut standing).await?;
        let earlier = standing.snapshot.clone();
        let written = self.sum_up_turn(&draft.pk, &draft.head_update(), &mut standing).await;
        let times = self.times(draft.task(), None);
        let actions = headwrite::transaction(&self.calls, draft, &entry, &standing, creation, &times)?;
        self.upkeep.forget_status(&draft.pk);
        match self.calls.transact(actions).await? {
            Transacted::Done => {
                if earlier != standing.snapshot {
                    self.retire(&draft.pk, earlier.as_ref()).await;
                }
                if draft.ends_turn() {
                    self.expire_configs(&draft.pk, &times).await;
                }
                self.repair_if_lacking(draft, &standing);
                Ok(Fate::Applied(Some(standing)))
            }
            Transacted::Unmet(mut items) => {
                let head = items.pop().flatten();
                self.own_or_lost(draft, items.pop().flatten(), head, written).await
            }
        }
    }

    /// Removes an entry that counts for nothing: its task was deleted while it was written.
    async fn remove_entry(&self, draft: &Draft<'_>, incarnation: u64) -> Result<()> {
        self.remove_item(&draft.pk, &keys::commit(draft.version()), incarnation).await
    }

    /// Writes the parts of a large commit and makes the entry that will count them; advances the standing.
    pub(crate) async fn entry(&self, draft: &Draft<'_>, standing: &mut Standing) -> Result<Entry> {
        let expires = Some(self.now() + self.commit_seconds());
        if let Some(overflow) = &draft.overflow {
            let prefix = keys::commit_parts(draft.id());
            let common =
                Common { pk: &draft.pk, prefix: &prefix, incarnation: standing.incarnation, expires };
            parts::write(&self.calls, common, overflow).await?;
        }
        standing.tip = draft.tip();
        standing.log_units = standing.log_units.saturating_add(draft.units());
        standing.task_bytes = standing.task_bytes.saturating_add(draft.json_bytes);
        standing.lasts_until = sooner(standing.lasts_until, expires);
        standing.in_turn = !draft.ends_turn();
        if draft.ends_turn() && draft.commit.record().events.is_empty() {
            standing.cover(draft.commit.expected(), draft.version());
        }
        standing.noted = self.now();
        Ok(Entry {
            version: draft.version(),
            incarnation: standing.incarnation,
            generation: draft.tip().generation,
            id: draft.id(),
            change: draft.commit.claim_change(),
            body: draft.body.clone(),
            log_units: standing.log_units,
            task_bytes: standing.task_bytes,
            expires,
        })
    }

    /// Tells our own earlier write from somebody else's.
    pub(crate) async fn own_or_lost(
        &self,
        draft: &Draft<'_>,
        entry: Option<Item>,
        head: Option<Item>,
        snapshot: Option<Snapshot>,
    ) -> Result<Fate> {
        if let Some(incarnation) = own_incarnation(draft, entry.as_ref(), head.as_ref())? {
            self.discard_unless_current(&draft.pk, snapshot.as_ref()).await;
            return Ok(Fate::AppliedBefore(incarnation));
        }
        Ok(Fate::Lost { entry, head, snapshot })
    }

    /// Takes note of an applied commit, and writes a snapshot where one is due.
    pub(crate) async fn applied(&self, draft: &Draft<'_>, standing: Option<Standing>) -> Outcome {
        match standing {
            Some(standing) if !draft.task().status.state.is_terminal() => {
                // At the end of a turn that has been tried.
                let standing = if standing.in_turn && self.is_snapshot_due(&standing) {
                    self.summarize(&draft.pk, draft.task(), standing).await
                } else {
                    standing
                };
                self.standings.note(&draft.pk, standing);
            }
            _ => self.standings.forget(&draft.pk),
        }
        Outcome::Applied(draft.version())
    }

    /// Answers for a commit that did not win: with its own version if it had won before, else the actual one.
    pub(crate) async fn lost(
        &self,
        draft: &Draft<'_>,
        seen: Option<Item>,
        written: Option<Snapshot>,
    ) -> Result<Outcome> {
        self.standings.forget(&draft.pk);
        let entry = match seen {
            Some(entry) => Some(entry),
            // It would lie in the head, which has been looked at.
            None if draft.commit.expected() == Version::ABSENT && draft.fits_head() => None,
            None => self.calls.get(&draft.pk, &keys::commit(draft.version())).await?,
        };
        if let Some(incarnation) = own_incarnation(draft, entry.as_ref(), None)? {
            self.discard_unless_current(&draft.pk, written.as_ref()).await;
            return self.applied_before(draft, incarnation).await;
        }
        self.discard(&draft.pk, written.as_ref()).await;
        Ok(Outcome::Conflict { actual: self.actual(&draft.pk).await? })
    }
}

/// The life of the task in which this very commit has written the entry, be it an item or in the head.
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

impl Draft<'_> {
    /// Tells whether the entry and the head must be written at once: for a claim, and where the head tells the end of a
    /// turn, or may.
    fn needs_transaction(&self, standing: &Standing) -> bool {
        matches!(self.commit.claim_change(), ClaimChange::Make { .. })
            || (self.touches_head() && !standing.in_turn)
    }
}
