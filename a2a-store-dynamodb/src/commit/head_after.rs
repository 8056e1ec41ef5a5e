//! The head after the entry: written behind a commit that has been applied, by whoever commits, or sends the same again, or
//! finds that it is missing.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::{BackendError, ClaimChange, Outcome, Result, Trouble, Version};

use crate::DynamoDbStore;
use crate::commit::head_write;
use crate::commit::prepared::PreparedCommit;
use crate::items::attributes::Item;
use crate::items::head::Head;
use crate::items::head_update::HeadUpdate;
use crate::items::snapshot::Snapshot;
use crate::load::Loaded;
use crate::load::behind::Behind;
use crate::log_stats::LogStats;
use crate::requests::calls::Written;
use crate::snapshots::stored;
use crate::upkeep::Work;

/// What became of a head that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadFate {
    /// It is there.
    Written,
    /// A later one is there, or this very one.
    Overtaken,
    /// The task was deleted, or is another one by now.
    Gone,
}

impl DynamoDbStore {
    /// Writes the head that follows from a commit whose entry is there. A status of a turn that goes on may wait, for the
    /// next one or the end often comes soon. `is_repeated`: an earlier attempt may have written the snapshot.
    ///
    /// # Errors
    ///
    /// [`BackendError::Indeterminate`] alone: the commit is applied, and is to be sent again.
    pub(crate) async fn follow_with_head(
        &self,
        prepared: &PreparedCommit<'_>,
        stats: &mut LogStats,
        is_repeated: bool,
    ) -> Result<HeadFate> {
        if prepared.is_passing_status() && self.put_off(prepared, stats) {
            return Ok(HeadFate::Written);
        }
        self.upkeep.forget_status(&prepared.pk);
        let update = HeadUpdate { is_repeated, ..prepared.head_update() };
        match self.write_head(&prepared.pk, &update, stats).await {
            Ok(fate) => {
                self.repair_if_lacking(prepared, stats).await;
                Ok(fate)
            }
            Err(error) if error.is_transient() => Err(undecided(error)),
            // The entry decides, and to try again would not help: readers fold the log.
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a head cannot be written");
                Ok(HeadFate::Overtaken)
            }
        }
    }

    /// A turn that ended without a snapshot gets one later.
    pub(crate) async fn repair_if_lacking(&self, prepared: &PreparedCommit<'_>, stats: &LogStats) {
        if !prepared.ends_turn() || stats.is_covered_at(prepared.version()) {
            return;
        }
        self.repair_later(&prepared.pk);
        if prepared.commit.claim_change() == ClaimChange::Keep {
            self.await_snapshot(&prepared.pk, stats.incarnation, prepared.version()).await;
        }
    }

    /// Has everybody look after the snapshot of a task that nobody has a claim on. Best effort: whoever reads the task makes
    /// up for it as well.
    pub(crate) async fn await_snapshot(&self, pk: &str, incarnation: u64, version: Version) {
        let update = head_write::await_snapshot(&self.calls, pk, incarnation, version);
        if let Err(error) = self.calls.send_update(update).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a task lacks a snapshot, and nobody is told");
        }
    }

    /// Answers for a commit that an earlier attempt has applied, in this life of the task: its head may be missing.
    pub(crate) async fn applied_before(
        &self,
        prepared: &PreparedCommit<'_>,
        incarnation: u64,
    ) -> Result<Outcome> {
        self.known_logs.forget(&prepared.pk);
        let head = match prepared.touches_head() {
            true => self.read_head(&prepared.pk).await.map_err(undecided)?,
            false => None,
        };
        if let Some(head) = head.filter(|head| head.incarnation == incarnation) {
            if head.version < prepared.version() {
                let mut stats = LogStats::of_head(&head, prepared.tip(), self.now());
                self.follow_with_head(prepared, &mut stats, true).await?;
            } else if prepared.ends_turn() {
                self.expire_configs(&prepared.pk, &self.times(prepared.task(), None), true).await;
            }
        }
        Ok(Outcome::Applied(prepared.version()))
    }

    /// Brings the head of a task up to date whose writer seems to have died before it could.
    pub(crate) async fn repair_head(&self, pk: &str) -> Result<()> {
        let Some(Loaded { stored, mut stats, behind }) = self.read_task(pk, None, true).await? else {
            return Ok(());
        };
        let Some(Behind { ended_at, ends_claim }) = behind else { return Ok(()) };
        let update = HeadUpdate {
            task: &stored.task,
            tip: stored.tip(),
            claim: ends_claim.then_some(None),
            caller: None,
            has_ended_now: ended_at.is_some(),
            ended_at,
            is_repeated: false,
        };
        self.write_head(pk, &update, &mut stats).await?;
        if update.ends_turn() && !stats.is_covered_at(update.tip.version) {
            return Err(BackendError::Unavailable("a snapshot cannot be written yet".into()));
        }
        tracing::info!("the head of a task was behind its log, and is up to date");
        Ok(())
    }

    /// Writes the head, with the snapshot that the end of a turn brings, unless a later one is there.
    async fn write_head(&self, pk: &str, update: &HeadUpdate<'_>, stats: &mut LogStats) -> Result<HeadFate> {
        let earlier = stats.snapshot.clone();
        let written = self.snapshot_turn(pk, update, stats).await;
        let times = self.times(update.task, update.ended_at);
        let request = head_write::behind_entry(&self.calls, pk, update, stats, &times);
        let fate = match self.calls.send_update(request).await? {
            Written::Done => {
                if earlier != stats.snapshot {
                    self.retire(pk, earlier.as_ref()).await;
                }
                HeadFate::Written
            }
            Written::Unmet(found) => {
                self.overtaken(pk, found, stats.incarnation, earlier.as_ref(), written.as_ref()).await?
            }
        };
        if update.ends_turn() && fate != HeadFate::Gone {
            // After the head: a config that is saved from now on sees when the task ends.
            self.expire_configs(pk, &times, update.keeps_expiry()).await;
        }
        Ok(fate)
    }

    /// Clears up where the head is another one than was expected.
    async fn overtaken(
        &self,
        pk: &str,
        found: Option<Item>,
        incarnation: u64,
        earlier: Option<&Snapshot>,
        written: Option<&Snapshot>,
    ) -> Result<HeadFate> {
        let head = found.as_ref().map(Head::read).transpose()?;
        let Some(head) = head.filter(|head| head.incarnation == incarnation && head.deleted.is_none()) else {
            self.discard(pk, written).await;
            return Ok(HeadFate::Gone);
        };
        let is_current = |snapshot: &Snapshot| {
            head.snapshot.as_ref().is_some_and(|current| current.place.is_same_as(&snapshot.place))
        };
        self.discard(pk, written.filter(|written| !is_current(written))).await;
        self.retire(pk, earlier.filter(|earlier| !is_current(earlier))).await;
        Ok(HeadFate::Overtaken)
    }

    /// At the end of a turn: makes the snapshot that the head will point to, or hold. Returns it where items were written.
    ///
    /// A turn ends without one where it cannot be written now: it is made up for later.
    pub(crate) async fn snapshot_turn(
        &self,
        pk: &str,
        update: &HeadUpdate<'_>,
        stats: &mut LogStats,
    ) -> Option<Snapshot> {
        if !update.ends_turn() || stats.is_covered_at(update.tip.version) {
            return None;
        }
        match self.try_snapshot_turn(pk, update, stats).await {
            Ok(written) => written,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a turn ends without a snapshot");
                None
            }
        }
    }

    async fn try_snapshot_turn(
        &self,
        pk: &str,
        update: &HeadUpdate<'_>,
        stats: &mut LogStats,
    ) -> Result<Option<Snapshot>> {
        let packed = stored::pack(update.task).await?;
        let is_over = update.task.status.state.is_terminal();
        if let Some(small) = packed.in_head(update.tip).filter(|_| is_over) {
            stats.snapshotted(small);
            return Ok(None);
        }
        if update.is_repeated && packed.is_large() {
            // Each attempt would write it anew, into a partition that may be refusing just that.
            return Ok(None);
        }
        let expires = self.times(update.task, update.ended_at).snapshot;
        let written = self.write_snapshot(pk, stats.incarnation, update.tip, &packed, expires).await?;
        stats.snapshotted(written.clone());
        Ok(Some(written))
    }
}

impl DynamoDbStore {
    /// Puts off what a status makes of the head. `false` where it is not to wait.
    pub(crate) fn put_off(&self, prepared: &PreparedCommit<'_>, stats: &LogStats) -> bool {
        let lag = self.config.status_lag;
        let request = head_write::status(&self.calls, &prepared.pk, &prepared.head_update(), stats);
        let work = Work::Status(prepared.version(), Box::new(request));
        !lag.is_zero() && self.begin_upkeep(&prepared.pk, work, lag)
    }

    /// Sees to it that a head which seems to be behind its log is looked at again, once its writer has had its time, and
    /// brought up to date if it still is.
    pub(crate) fn repair_later(&self, pk: &str) {
        if !self.begin_upkeep(pk, Work::Repair, self.repair_patience()) {
            tracing::warn!("the head of a task is behind its log, as are many");
        }
    }

    /// The same, where many may see to it: each at its own time, so that the first one has done it for all.
    pub(crate) fn repair_some_time(&self, pk: &str) {
        let patience = self.repair_patience();
        let later = patience.mul_f64(5.0 * self.config.env.chance());
        self.begin_upkeep(pk, Work::Repair, patience + later);
    }

    fn repair_patience(&self) -> Duration {
        self.config.status_lag * 2 + Duration::from_secs(1)
    }

    fn begin_upkeep(&self, pk: &str, work: Work, first: Duration) -> bool {
        let (store, key) = (Arc::new(self.detached()), pk.to_owned());
        self.upkeep.begin(pk, work, first, move |work| {
            let (store, pk) = (Arc::clone(&store), key.clone());
            async move {
                match work {
                    Work::Status(_, request) => store.calls.send_update(*request).await.map(|_| ()),
                    Work::Repair => store.repair_head(&pk).await,
                }
            }
        })
    }

    /// The same handle, with nothing to do behind its requests.
    fn detached(&self) -> DynamoDbStore {
        DynamoDbStore {
            calls: self.calls.clone(),
            config: self.config.clone(),
            known_logs: Arc::clone(&self.known_logs),
            upkeep: Arc::default(),
        }
    }
}

/// What fails once the entry is there says nothing of the commit: it is applied, and not yet told to all.
fn undecided(error: BackendError) -> BackendError {
    match error {
        BackendError::Indeterminate(_) => error,
        other => BackendError::indeterminate(other.trouble().unwrap_or(Trouble::Away), other),
    }
}
