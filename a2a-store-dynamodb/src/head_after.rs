//! The head after the entry: written behind a commit that has been applied, and by whoever finds that its writer has died
//! before that.

use a2a_core::{CommitId, Result, StoredTask, TaskHead, reduce};

use crate::DynamoDbStore;
use crate::calls::Written;
use crate::draft::Draft;
use crate::head::Snapshot;
use crate::headwrite::{self, HeadUpdate};
use crate::snapshot;
use crate::standing::Standing;

/// How many milliseconds old the last entry must be before a reader thinks that its writer will not write the head any more.
const WRITERS_PATIENCE: i64 = 5_000;

impl DynamoDbStore {
    /// Writes the head that follows from a commit. A status of a turn that goes on may wait, for the next one or the end
    /// often comes soon. `is_repeated`: an earlier attempt of the commit was applied, and may have done this.
    pub(crate) async fn follow_with_head(
        &self,
        draft: &Draft<'_>,
        standing: &mut Standing,
        is_repeated: bool,
    ) -> Result<()> {
        if is_repeated {
            let head = self.read_head(&draft.pk).await?;
            let lacks_it = head.filter(|head| head.version < draft.version());
            let Some(head) = lacks_it else { return Ok(()) };
            standing.incarnation = head.incarnation;
        }
        if draft.is_passing_status() && self.later.put_off(draft, standing, &self.config, &self.calls) {
            return Ok(());
        }
        self.later.forget(&draft.pk);
        self.write_head(&draft.pk, &draft.head_update(), draft.id(), standing).await
    }

    /// Brings the head of a task up to date whose writer seems to have died before it could.
    pub(crate) async fn repair_head(
        &self,
        pk: &str,
        stored: &StoredTask,
        Behind { last, ends_claim }: Behind,
        standing: &mut Standing,
    ) {
        let now = self.config.env.now().timestamp_millis();
        if now < millis_of(last).saturating_add(WRITERS_PATIENCE) {
            return;
        }
        let update = HeadUpdate {
            task: &stored.task,
            tip: stored.tip(),
            claim: ends_claim.then_some(None),
            caller: None,
            has_ended_now: true,
        };
        match self.write_head(pk, &update, last, standing).await {
            Ok(()) => tracing::info!(pk, "the head of a task was behind its log, and is up to date"),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the head of a task stays behind its log"
                );
            }
        }
    }

    /// Writes the head, with the snapshot that the end of a turn brings, unless a later one is there.
    async fn write_head(
        &self,
        pk: &str,
        update: &HeadUpdate<'_>,
        id: CommitId,
        standing: &mut Standing,
    ) -> Result<()> {
        let earlier = standing.snapshot.clone();
        let (written, configs) = futures::join!(
            self.sum_up_turn(pk, update, id, standing),
            self.configs_to_expire(pk, update.task)
        );
        let times = self.times(update.task);
        let request = headwrite::behind_entry(&self.calls, pk, update, standing, &times);
        match self.calls.send_update(request).await? {
            Written::Done if earlier != standing.snapshot => self.retire(pk, earlier.as_ref()).await,
            Written::Done => {}
            // A later one is there, or this very one.
            Written::Unmet(_) => self.discard_unless_current(pk, written.as_ref()).await,
        }
        self.expire_configs(pk, update.task, configs).await;
        Ok(())
    }

    /// At the end of a turn: makes the snapshot that the head will point to, or hold. Returns it where items were written.
    ///
    /// Best effort: a turn ends without one where it cannot be written now, and whoever reads the task later makes up for it.
    pub(crate) async fn sum_up_turn(
        &self,
        pk: &str,
        update: &HeadUpdate<'_>,
        id: CommitId,
        standing: &mut Standing,
    ) -> Option<Snapshot> {
        if !update.ends_turn() || standing.is_covered_at(update.tip.version) {
            return None;
        }
        match self.try_sum_up_turn(pk, update, id, standing).await {
            Ok(written) => written,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a turn ends without a snapshot");
                None
            }
        }
    }

    async fn try_sum_up_turn(
        &self,
        pk: &str,
        update: &HeadUpdate<'_>,
        id: CommitId,
        standing: &mut Standing,
    ) -> Result<Option<Snapshot>> {
        let packed = snapshot::pack(update.task).await?;
        let is_over = update.task.status.state.is_terminal();
        if let Some(small) = packed.in_head(update.tip).filter(|_| is_over) {
            standing.summed_up(small);
            return Ok(None);
        }
        let expires = self.times(update.task).snapshot;
        let named = (update.tip, id);
        let written = snapshot::write(&self.calls, pk, standing.incarnation, named, &packed, expires).await?;
        standing.summed_up(written.clone());
        Ok(Some(written))
    }
}

/// What a reader found of a head that is behind its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behind {
    /// The last commit of the log.
    pub(crate) last: CommitId,
    /// The log ends a claim that the head still tells.
    pub(crate) ends_claim: bool,
}

impl Behind {
    /// Compares the facts of a head with those at the end of the log: the end of a turn, or of a claim, must be in both.
    /// `has_end`: the head tells the end of the turn, and has all of it.
    pub(crate) fn of(before: &TaskHead, has_end: bool, last: CommitId, after: &TaskHead) -> Option<Self> {
        let ends_claim = before.claim.is_some() && after.claim.is_none();
        let ends_turn = reduce::ends_turn(&after.state) && !has_end;
        (ends_claim || ends_turn).then_some(Behind { last, ends_claim })
    }
}

/// When a commit got its id.
fn millis_of(id: CommitId) -> i64 {
    i64::try_from(id.uuid().as_u128() >> 80).unwrap_or(i64::MAX)
}
