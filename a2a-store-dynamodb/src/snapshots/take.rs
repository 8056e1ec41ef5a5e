//! Snapshots of running tasks: when one is due, how it takes its place behind commits already applied, and how the earlier one goes.

use a2a::Task;
use a2a_core::{CommitId, Result, Tip};

use crate::DynamoDbStore;
use crate::items::attributes::number;
use crate::items::keys;
use crate::items::snapshot::Snapshot;
use crate::items::update::expression;
use crate::log_stats::LogStats;
use crate::requests::calls::Written;
use crate::snapshots::stored::{self, Packed};

/// How many seconds a superseded snapshot stays for those who have read the head before: far longer than any of
/// them takes.
const READERS_PATIENCE: i64 = 3600;

impl DynamoDbStore {
    /// Tells whether the log outweighs the last snapshot, or the content will begin to expire.
    pub(crate) fn is_snapshot_due(&self, stats: &LogStats) -> bool {
        stats.log_units > 0 && self.config.snapshots.is_due(stats.log_units, stats.snapshot_units())
            || self.is_expiring(stats)
    }

    /// Tells whether something that the content needs has passed half of its time.
    pub(crate) fn is_expiring(&self, stats: &LogStats) -> bool {
        stats.lasts_until.is_some_and(|until| until - self.now() < self.commit_seconds() / 2)
    }

    /// Writes a snapshot of a task as it is at the version of these statistics, behind commits that were applied. Best effort:
    /// without it the next reader reads more, and the next writer tries again.
    pub(crate) async fn take_snapshot(&self, pk: &str, task: &Task, stats: LogStats) -> LogStats {
        let mut snapshotted = stats.clone();
        match self.try_take_snapshot(pk, task, &stats).await {
            Ok(Some(snapshot)) => {
                snapshotted.snapshotted(snapshot);
                snapshotted
            }
            // Another handle has written a later one.
            Ok(None) => stats,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a snapshot was not written");
                stats
            }
        }
    }

    async fn try_take_snapshot(&self, pk: &str, task: &Task, stats: &LogStats) -> Result<Option<Snapshot>> {
        let expires = self.times(task, None).snapshot;
        let packed = stored::pack(task).await?;
        let written = self.write_snapshot(pk, stats.incarnation, stats.tip, &packed, expires).await?;
        let (expression, values) = expression(written.attributes().into(), false);
        let is_longer = match expires {
            Some(_) => "sx < :sx",
            None => "attribute_exists(sx)",
        };
        let update = self
            .calls
            .update(pk, keys::HEAD)
            .update_expression(expression)
            .set_expression_attribute_values(Some(values))
            .condition_expression(format!(
                "g = :g AND attribute_not_exists(del) \
                 AND (attribute_not_exists(sv) OR sv < :sv OR (sv = :sv AND {is_longer}))"
            ))
            .expression_attribute_values(":g", number(stats.incarnation));
        match self.calls.send_update(update).await? {
            Written::Done => {
                self.retire(pk, stats.snapshot.as_ref()).await;
                Ok(Some(written))
            }
            Written::Unmet(_) => {
                self.discard_unless_current(pk, Some(&written)).await;
                Ok(None)
            }
        }
    }

    /// Writes a snapshot to items that nobody else writes.
    pub(crate) async fn write_snapshot(
        &self,
        pk: &str,
        incarnation: u64,
        tip: Tip,
        packed: &Packed,
        expires: Option<i64>,
    ) -> Result<Snapshot> {
        let id = CommitId::generate(&*self.config.env);
        stored::write(&self.calls, pk, incarnation, (tip, id), packed, expires).await
    }

    /// Lets a snapshot expire soon that a newer one has superseded, where it would outlive the task. Best effort.
    pub(crate) async fn retire(&self, pk: &str, snapshot: Option<&Snapshot>) {
        let of_running = self.now().saturating_add(self.commit_seconds());
        let stays = |snapshot: &&Snapshot| snapshot.expires().is_none_or(|expires| expires > of_running);
        let Some(snapshot) = snapshot.filter(stays) else { return };
        let expires = self.now() + self.commit_seconds().min(READERS_PATIENCE);
        if let Err(error) = stored::retire(&self.calls, pk, snapshot, expires).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a superseded snapshot stays for its time"
            );
        }
    }

    /// Removes the snapshot of a commit that was applied before, where it has been superseded since. Best effort.
    pub(crate) async fn discard_unless_current(&self, pk: &str, snapshot: Option<&Snapshot>) {
        let Some(written) = snapshot else { return };
        // Not knowing is no reason to remove what may be all that there is.
        let Ok(head) = self.read_head(pk).await else { return };
        let current = head.and_then(|head| head.snapshot).map(|snapshot| snapshot.place);
        if current.is_none_or(|current| !current.is_same_as(&written.place)) {
            self.discard(pk, snapshot).await;
        }
    }

    /// Removes a snapshot that does not count, for its commit was not applied, or is not the last. Best effort.
    pub(crate) async fn discard(&self, pk: &str, snapshot: Option<&Snapshot>) {
        let Some(snapshot) = snapshot else { return };
        if let Err(error) = stored::remove(&self.calls, pk, snapshot).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a useless snapshot stays for its time");
        }
    }
}
