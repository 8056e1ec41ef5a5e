//! How long things are kept, and snapshots of running tasks: when one is due, and how it takes its place behind commits already applied.

use a2a::Task;
use a2a_core::{CommitId, Result, Tip, reduce};

use crate::DynamoDbStore;
use crate::attributes::number;
use crate::calls::Written;
use crate::head::Snapshot;
use crate::headwrite::{self, Times};
use crate::keys;
use crate::snapshot::{self, Packed};
use crate::standing::Standing;

/// How many seconds a superseded snapshot stays for those who have read the head before: far longer than any of
/// them takes.
const READERS_PATIENCE: i64 = 3600;

/// A day, in seconds.
const DAY: i64 = 24 * 3600;

impl DynamoDbStore {
    /// The epoch second that it is.
    pub(crate) fn now(&self) -> i64 {
        self.config.env.now().timestamp()
    }

    /// How many seconds a commit is kept: no longer than a task that has ended, but for a day, which is longer than any turn
    /// needs them for.
    pub(crate) fn commit_seconds(&self) -> i64 {
        let commits = seconds(self.config.commit_retention);
        self.task_seconds().map_or(commits, |tasks| commits.min(tasks.max(DAY)))
    }

    /// How many seconds a task is kept once it has ended; `None` is for ever.
    pub(crate) fn task_seconds(&self) -> Option<i64> {
        self.config.task_retention.map(seconds)
    }

    /// When what belongs to a task expires, by the state that it is in after a commit; `ended_at`: in milliseconds, when it
    /// got into that, if it was not now.
    pub(crate) fn times(&self, task: &Task, ended_at: Option<i64>) -> Times {
        let now = self.now();
        let since = ended_at.map_or(now, |millis| now.min(millis / 1000));
        let after = |retention: Option<i64>| retention.map(|seconds| since.saturating_add(seconds));
        let state = &task.status.state;
        if state.is_terminal() {
            let head = after(self.task_seconds());
            return Times { now, head, snapshot: head, configs: head };
        }
        let commits = self.commit_seconds();
        if !reduce::ends_turn(state) {
            return Times { now, head: None, snapshot: Some(now.saturating_add(commits)), configs: None };
        }
        let head = after(self.config.parked_retention.map(seconds));
        // Whoever goes on with the task in its last moment finds what belongs to it, and renews that in time.
        let rest = head.map(|head| head.saturating_add(commits));
        Times { now, head, snapshot: rest, configs: rest }
    }

    /// Tells whether the log outweighs the last snapshot, or the content will begin to expire.
    pub(crate) fn is_snapshot_due(&self, standing: &Standing) -> bool {
        standing.log_units > 0 && self.config.snapshots.is_due(standing.log_units, standing.snapshot_units())
            || self.is_expiring(standing)
    }

    /// Tells whether something that the content needs has passed half of its time.
    pub(crate) fn is_expiring(&self, standing: &Standing) -> bool {
        standing.lasts_until.is_some_and(|until| until - self.now() < self.commit_seconds() / 2)
    }

    /// Writes a snapshot of a task as it is at the standing's version, behind commits that were applied. Best effort:
    /// without it the next reader reads more, and the next writer tries again.
    pub(crate) async fn summarize(&self, pk: &str, task: &Task, standing: Standing) -> Standing {
        let mut summed_up = standing.clone();
        match self.try_summarize(pk, task, &standing).await {
            Ok(Some(snapshot)) => {
                summed_up.summed_up(snapshot);
                summed_up
            }
            // Another handle has written a later one.
            Ok(None) => standing,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a snapshot was not written");
                standing
            }
        }
    }

    async fn try_summarize(&self, pk: &str, task: &Task, standing: &Standing) -> Result<Option<Snapshot>> {
        let expires = self.times(task, None).snapshot;
        let packed = snapshot::pack(task).await?;
        let written = self.write_snapshot(pk, standing.incarnation, standing.tip, &packed, expires).await?;
        let (expression, values) = headwrite::expression(written.attributes().into(), false);
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
            .expression_attribute_values(":g", number(standing.incarnation));
        match self.calls.send_update(update).await? {
            Written::Done => {
                self.retire(pk, standing.snapshot.as_ref()).await;
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
        snapshot::write(&self.calls, pk, incarnation, (tip, id), packed, expires).await
    }

    /// Lets a snapshot expire soon that a newer one has superseded, where it would outlive the task. Best effort.
    pub(crate) async fn retire(&self, pk: &str, snapshot: Option<&Snapshot>) {
        let of_running = self.now().saturating_add(self.commit_seconds());
        let stays = |snapshot: &&Snapshot| snapshot.expires().is_none_or(|expires| expires > of_running);
        let Some(snapshot) = snapshot.filter(stays) else { return };
        let expires = self.now() + self.commit_seconds().min(READERS_PATIENCE);
        if let Err(error) = snapshot::retire(&self.calls, pk, snapshot, expires).await {
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
        if let Err(error) = snapshot::remove(&self.calls, pk, snapshot).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a useless snapshot stays for its time");
        }
    }
}

fn seconds(duration: std::time::Duration) -> i64 {
    // A retention beyond this outlasts the table, and no sum of it with the time can overflow.
    const LONGEST: u64 = 1_000_000_000_000;
    i64::try_from(duration.as_secs().clamp(1, LONGEST)).unwrap_or(i64::MAX / 4)
}
