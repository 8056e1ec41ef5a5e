//! Snapshots of running tasks: when one is due, and how it takes its place behind commits already applied.

use a2a::Task;
use a2a_core::{CommitId, Result, reduce};

use crate::DynamoDbStore;
use crate::attributes::number;
use crate::calls::Written;
use crate::head::Snapshot;
use crate::headwrite::{self, Times};
use crate::standing::Standing;
use crate::{keys, snapshot};

/// How many seconds a superseded snapshot stays for those who have read the head before: far longer than any of
/// them takes.
const READERS_PATIENCE: i64 = 3600;

impl DynamoDbStore {
    /// The epoch second that it is.
    pub(crate) fn now(&self) -> i64 {
        self.config.env.now().timestamp()
    }

    /// How many seconds a commit is kept.
    pub(crate) fn commit_seconds(&self) -> i64 {
        seconds(self.config.commit_retention)
    }

    /// How many seconds a task is kept once it has ended; `None` is for ever.
    pub(crate) fn task_seconds(&self) -> Option<i64> {
        self.config.task_retention.map(seconds)
    }

    /// When what belongs to a task expires, by the state that it is in after a commit.
    pub(crate) fn times(&self, task: &Task) -> Times {
        let now = self.now();
        let head = match task.status.state.is_terminal() {
            true => self.task_seconds().map(|seconds| now.saturating_add(seconds)),
            false => None,
        };
        // The snapshot of a parked task must outlast any absence of its caller.
        let snapshot =
            if reduce::ends_turn(&task.status.state) { head } else { Some(now + self.commit_seconds()) };
        Times { now, head, snapshot }
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

    /// Writes a snapshot of a running task as it is at the standing's version. Best effort: without it the next
    /// reader reads more, and the next writer tries again.
    pub(crate) async fn summarize(
        &self,
        pk: &str,
        task: &Task,
        id: CommitId,
        standing: Standing,
    ) -> Standing {
        let mut summed_up = standing.clone();
        match self.try_summarize(pk, task, id, &standing).await {
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

    async fn try_summarize(
        &self,
        pk: &str,
        task: &Task,
        id: CommitId,
        standing: &Standing,
    ) -> Result<Option<Snapshot>> {
        let expires = Some(self.now() + self.commit_seconds());
        let packed = snapshot::pack(task).await?;
        let named = (standing.tip, id);
        let written = snapshot::write(&self.calls, pk, standing.incarnation, named, &packed, expires).await?;
        let (expression, values) = headwrite::expression(written.attributes().into());
        let update = self
            .calls
            .update(pk, keys::HEAD)
            .update_expression(expression)
            .set_expression_attribute_values(Some(values))
            .condition_expression(
                "g = :g AND attribute_not_exists(del) \
                 AND (attribute_not_exists(sv) OR sv < :sv OR (sv = :sv AND sx < :sx))",
            )
            .expression_attribute_values(":g", number(standing.incarnation));
        match self.calls.send_update(update).await? {
            Written::Done => {
                self.retire(pk, standing.snapshot.as_ref()).await;
                Ok(Some(written))
            }
            Written::Unmet(_) => Ok(None),
        }
    }

    /// Lets a snapshot expire that a newer one has superseded and that would stay for ever. Best effort.
    pub(crate) async fn retire(&self, pk: &str, snapshot: Option<&Snapshot>) {
        let Some(snapshot) = snapshot.filter(|snapshot| snapshot.expires().is_none()) else { return };
        let expires = self.now() + self.commit_seconds().min(READERS_PATIENCE);
        if let Err(error) = snapshot::retire(&self.calls, pk, snapshot, expires).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a superseded snapshot will stay");
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
        let Some(snapshot) = snapshot.filter(|snapshot| snapshot.expires().is_none()) else { return };
        if let Err(error) = snapshot::remove(&self.calls, pk, snapshot).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a useless snapshot will stay");
        }
    }
}

fn seconds(duration: std::time::Duration) -> i64 {
    // A retention beyond this outlasts the table, and no sum of it with the time can overflow.
    const LONGEST: u64 = 1_000_000_000_000;
    i64::try_from(duration.as_secs().clamp(1, LONGEST)).unwrap_or(i64::MAX / 4)
}
