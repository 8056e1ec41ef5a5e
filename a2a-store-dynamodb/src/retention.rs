//! How long things are kept.

use a2a::Task;
use a2a_core::reduce;

use crate::DynamoDbStore;

/// A day, in seconds.
const DAY: i64 = 24 * 3600;

/// When what a commit writes beside the log expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// The epoch second that it is.
    pub(crate) now: i64,
    /// When the task expires.
    pub(crate) head: Option<i64>,
    /// When a snapshot of it expires.
    pub(crate) snapshot: Option<i64>,
    /// When its push configs expire, where that is known.
    pub(crate) configs: Option<i64>,
}

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
}

fn seconds(duration: std::time::Duration) -> i64 {
    // A retention beyond this outlasts the table, and no sum of it with the time can overflow.
    const LONGEST: u64 = 1_000_000_000_000;
    i64::try_from(duration.as_secs().clamp(1, LONGEST)).unwrap_or(i64::MAX / 4)
}
