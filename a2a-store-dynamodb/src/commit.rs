//! The commit: one conditional put of the next log entry, which decides; and the head after it, or with it.
//!
//! What an agent says in its turn is the entry alone. A status of a turn that goes on, and the end of a turn, are the
//! entry and then the head: who dies between the two leaves a head that says less than the log, and whoever takes the
//! task over or reads it brings that up to date. A claim, and whatever follows the end of a turn, is one transaction: the
//! index of executors must not miss a task that somebody runs, and a head that tells the end must tell the last one.

mod create;
mod head_after;
mod head_write;
mod outcome;
mod prepared;

use a2a_core::{BackendError, ClaimChange, Commit, Outcome, Result, TaskKey, Tip, Version, reduce};

use crate::DynamoDbStore;
use crate::commit::head_after::HeadFate;
use crate::commit::outcome::Fate;
use crate::commit::prepared::PreparedCommit;
use crate::items::attributes::{Attributes, EXPIRES, FREE, number};
use crate::items::entry::Entry;
use crate::items::head::Head;
use crate::items::keys;
use crate::items::part::Common;
use crate::items::snapshot::Snapshot;
use crate::log;
use crate::log_stats::{LogStats, sooner};
use crate::parts;
use crate::requests::calls::{Transacted, Written};

impl DynamoDbStore {
    /// Appends a commit.
    pub(crate) async fn commit(&self, key: &TaskKey, commit: &Commit<'_>) -> Result<Outcome> {
        let prepared = PreparedCommit::encode(key, commit, self.config.max_bytes).await?;
        if commit.expected() == Version::ABSENT {
            self.create(&prepared).await
        } else {
            self.extend(&prepared).await
        }
    }

    async fn extend(&self, prepared: &PreparedCommit<'_>) -> Result<Outcome> {
        if let Some(mut stats) = self.known_logs.behind(&prepared.pk, prepared.id()) {
            return match self.head_behind(prepared, &mut stats, true).await? {
                Fate::Applied(stats) => Ok(self.applied(prepared, stats).await),
                _ => self.lost(prepared, None, None).await,
            };
        }
        let expected = prepared.commit.expected();
        let fresh = self.now() - self.commit_seconds() / 2;
        let mut remembered = self.known_logs.at(&prepared.pk, expected, fresh);
        let mut written = None;
        loop {
            let was_remembered = remembered.is_some();
            let stats = match remembered.take() {
                Some(stats) => stats,
                None => match self.read_log_stats(&prepared.pk, expected).await? {
                    Some(stats) => stats,
                    None => return self.lost(prepared, None, written).await,
                },
            };
            let fate = match prepared.needs_transaction(&stats) {
                true => self.write_with_head(prepared, stats, None).await?,
                false => self.write_entry(prepared, stats).await?,
            };
            match fate {
                Fate::Applied(stats) => return Ok(self.applied(prepared, stats).await),
                Fate::AppliedBefore(incarnation) => return self.applied_before(prepared, incarnation).await,
                // The memory may be of an earlier life of the task: look, and try once more.
                Fate::Lost { snapshot, .. } if was_remembered => {
                    written = snapshot;
                    self.known_logs.forget(&prepared.pk);
                }
                Fate::Lost { entry, snapshot, .. } => {
                    return self.lost(prepared, entry, snapshot.or(written)).await;
                }
                Fate::Gone => return self.lost(prepared, None, written).await,
            }
        }
    }

    /// Reads where the log stands. `None` where it has not, or no longer, this version.
    async fn read_log_stats(&self, pk: &str, version: Version) -> Result<Option<LogStats>> {
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
        // What was remembered of it may be gone by now, and with it when the oldest entry expires.
        let oldest = match &entry {
            Some(entry) if !covered && head.covered().next() == version => entry.expires,
            Some(_) if !covered => self.oldest_expiry(pk, head.covered()).await?,
            _ => None,
        };
        let covered_bytes = head.covered_bytes();
        let covered_generation = head.covered_generation();
        let generation = entry.as_ref().map_or(covered_generation, |entry| entry.generation);
        Ok(Some(LogStats {
            incarnation: head.incarnation,
            tip: Tip { version, generation },
            log_units: entry.as_ref().filter(|_| !covered).map_or(0, |entry| entry.log_units),
            task_bytes: entry.as_ref().filter(|_| !covered).map_or(covered_bytes, |entry| entry.task_bytes),
            lasts_until: sooner(head.snapshot.as_ref().and_then(Snapshot::expires), oldest),
            first_covers: head.first_covers(),
            // What the commits behind the head have made of the state is not known.
            in_turn: head.version == version && !reduce::ends_turn(&head.facts.state),
            awaits_head: None,
            caller: std::mem::take(&mut head.index_caller),
            snapshot: head.snapshot.take(),
            noted: self.now(),
        }))
    }

    /// When the first entry after a version expires.
    async fn oldest_expiry(&self, pk: &str, covered: Version) -> Result<Option<i64>> {
        let (items, _) = self.calls.page(log::after(&self.calls, pk, covered).limit(1)).await?;
        items.first().map_or(Ok(None), |item| item.find(EXPIRES))
    }

    /// Writes an entry, and then the head where that is to change.
    async fn write_entry(&self, prepared: &PreparedCommit<'_>, mut stats: LogStats) -> Result<Fate> {
        if !prepared.touches_head() {
            self.check_growth(prepared, &mut stats)?;
        }
        let entry = self.entry(prepared, &mut stats).await?;
        let put = self
            .calls
            .put(entry.item(&prepared.pk)?)
            .condition_expression(FREE)
            .expression_attribute_values(":g", number(stats.incarnation));
        let put = self.calls.send_put(put).await?;
        self.parts_are_done(prepared);
        if let Written::Unmet(found) = put {
            return self.own_or_lost(prepared, found, None, None).await;
        }
        match prepared.touches_head() {
            true => self.head_behind(prepared, &mut stats, false).await,
            false => Ok(Fate::Applied(Some(stats))),
        }
    }

    /// Writes the head of a commit whose entry is there. Where that fails, it is remembered that only the head is missing:
    /// whoever sends the commit again pays for nothing else.
    async fn head_behind(
        &self,
        prepared: &PreparedCommit<'_>,
        stats: &mut LogStats,
        is_repeated: bool,
    ) -> Result<Fate> {
        let mut before = stats.clone();
        stats.awaits_head = None;
        match self.follow_with_head(prepared, stats, is_repeated).await {
            Ok(HeadFate::Written) => Ok(Fate::Applied(Some(stats.clone()))),
            Ok(HeadFate::Overtaken) => Ok(Fate::Applied(None)),
            Ok(HeadFate::Gone) => {
                // What was deleted gets no entry after that.
                self.remove_entry(prepared, stats.incarnation).await?;
                Ok(Fate::Gone)
            }
            Err(error) => {
                before.awaits_head = Some(prepared.id());
                self.known_logs.note(&prepared.pk, before);
                Err(error)
            }
        }
    }

    /// Refuses what would let a task grow beyond its limit.
    fn check_growth(&self, prepared: &PreparedCommit<'_>, stats: &mut LogStats) -> Result<()> {
        let limit = self.config.max_bytes as u64;
        if stats.task_bytes.saturating_add(prepared.json_bytes) > limit {
            // The sum counts what was replaced as well; only the task itself tells.
            let actual = prepared::measure(prepared.task());
            if actual > limit {
                let actual = usize::try_from(actual).unwrap_or(usize::MAX);
                return Err(BackendError::TooLarge {
                    what: "the task",
                    actual,
                    limit: self.config.max_bytes,
                });
            }
            stats.task_bytes = actual.saturating_sub(prepared.json_bytes);
        }
        Ok(())
    }

    /// Writes an entry and the head in one transaction; `creation` says which earlier life a new head replaces.
    pub(crate) async fn write_with_head(
        &self,
        prepared: &PreparedCommit<'_>,
        mut stats: LogStats,
        creation: Option<Option<u64>>,
    ) -> Result<Fate> {
        let entry = self.entry(prepared, &mut stats).await?;
        let earlier = stats.snapshot.clone();
        let written = self.snapshot_turn(&prepared.pk, &prepared.head_update(), &mut stats).await;
        let times = self.times(prepared.task(), None);
        let actions = head_write::transaction(&self.calls, prepared, &entry, &stats, creation, &times)?;
        self.upkeep.forget_status(&prepared.pk);
        let transacted = self.calls.transact(actions).await?;
        self.parts_are_done(prepared);
        match transacted {
            Transacted::Done => {
                if earlier != stats.snapshot {
                    self.retire(&prepared.pk, earlier.as_ref()).await;
                }
                if prepared.ends_turn() {
                    let keeps = prepared.head_update().keeps_expiry();
                    self.expire_configs(&prepared.pk, &times, keeps).await;
                }
                self.repair_if_lacking(prepared, &stats).await;
                Ok(Fate::Applied(Some(stats)))
            }
            Transacted::Unmet(mut items) => {
                let head = items.pop().flatten();
                self.own_or_lost(prepared, items.pop().flatten(), head, written).await
            }
        }
    }

    /// Forgets the parts of a commit that is decided: until then none of them is written again.
    fn parts_are_done(&self, prepared: &PreparedCommit<'_>) {
        if prepared.overflow.is_some() {
            self.calls.pace().complete(&keys::commit_parts(prepared.id()));
        }
    }

    /// Removes an entry that counts for nothing: its task was deleted while it was written.
    async fn remove_entry(&self, prepared: &PreparedCommit<'_>, incarnation: u64) -> Result<()> {
        self.remove_item(&prepared.pk, &keys::commit(prepared.version()), incarnation).await
    }

    /// Writes the parts of a large commit and makes the entry that will count them; advances the statistics.
    pub(crate) async fn entry(&self, prepared: &PreparedCommit<'_>, stats: &mut LogStats) -> Result<Entry> {
        let expires = Some(self.now() + self.commit_seconds());
        if let Some(overflow) = &prepared.overflow {
            let prefix = keys::commit_parts(prepared.id());
            let common =
                Common { pk: &prepared.pk, prefix: &prefix, incarnation: stats.incarnation, expires };
            parts::write(&self.calls, common, overflow).await?;
        }
        stats.tip = prepared.tip();
        stats.awaits_head = None;
        stats.log_units = stats.log_units.saturating_add(prepared.units());
        stats.task_bytes = stats.task_bytes.saturating_add(prepared.json_bytes);
        stats.lasts_until = sooner(stats.lasts_until, expires);
        stats.in_turn = !prepared.ends_turn();
        if prepared.ends_turn() && prepared.commit.record().events.is_empty() {
            stats.cover(prepared.commit.expected(), prepared.version());
        }
        stats.noted = self.now();
        Ok(Entry {
            version: prepared.version(),
            incarnation: stats.incarnation,
            generation: prepared.tip().generation,
            id: prepared.id(),
            change: prepared.commit.claim_change(),
            body: prepared.body.clone(),
            log_units: stats.log_units,
            task_bytes: stats.task_bytes,
            expires,
        })
    }
}

impl PreparedCommit<'_> {
    /// Tells whether the entry and the head must be written at once: for a claim, and where the head tells the end of a
    /// turn, or may.
    fn needs_transaction(&self, stats: &LogStats) -> bool {
        matches!(self.commit.claim_change(), ClaimChange::Make { .. })
            || (self.touches_head() && !stats.in_turn)
    }
}
