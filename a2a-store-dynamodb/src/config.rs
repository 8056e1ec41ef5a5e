//! What a store is told once: how long things are kept, how large they may be, how often a write is tried.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::{Env, SystemEnv};

mod snapshot_policy;

pub use snapshot_policy::SnapshotPolicy;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings of a [`DynamoDbStore`](crate::DynamoDbStore).
///
/// ```
/// use std::time::Duration;
/// use a2a_store_dynamodb::DynamoDbConfig;
///
/// let config = DynamoDbConfig::default().task_retention(Some(Duration::from_secs(7 * 24 * 3600)));
/// ```
#[derive(Debug, Clone)]
pub struct DynamoDbConfig {
    pub(crate) snapshots: SnapshotPolicy,
    pub(crate) task_retention: Option<Duration>,
    pub(crate) parked_retention: Option<Duration>,
    pub(crate) commit_retention: Duration,
    pub(crate) max_bytes: usize,
    pub(crate) attempts: u32,
    pub(crate) commit_spacing: Duration,
    pub(crate) status_lag: Duration,
    pub(crate) count_limit: Duration,
    pub(crate) env: Arc<dyn Env>,
}

impl Default for DynamoDbConfig {
    fn default() -> Self {
        DynamoDbConfig {
            snapshots: SnapshotPolicy::default(),
            task_retention: Some(30 * DAY),
            parked_retention: Some(90 * DAY),
            commit_retention: 30 * DAY,
            max_bytes: 16 * 1024 * 1024,
            attempts: 5,
            commit_spacing: Duration::from_millis(60),
            status_lag: Duration::from_secs(2),
            count_limit: Duration::from_secs(1),
            env: Arc::new(SystemEnv),
        }
    }
}

impl DynamoDbConfig {
    /// Sets when a stream of small commits is summed up in a snapshot.
    #[must_use]
    pub fn snapshots(mut self, policy: SnapshotPolicy) -> Self {
        self.snapshots = policy;
        self
    }

    /// Sets how long a task is kept once it is in a terminal state, by default 30 days; `None` keeps it until
    /// somebody deletes it. A task at work is always kept.
    ///
    /// An expired task is invisible at once; DynamoDB removes its items, free of charge, within days. A delivery that
    /// was given up is listed for as long.
    #[must_use]
    pub fn task_retention(mut self, retention: Option<Duration>) -> Self {
        self.task_retention = retention;
        self
    }

    /// Sets how long a task waits for its caller's input or authentication before it is forgotten, by default 90 days; `None`
    /// lets it wait for ever. Each turn that ends in such a state begins the time anew.
    #[must_use]
    pub fn parked_retention(mut self, retention: Option<Duration>) -> Self {
        self.parked_retention = retention;
        self
    }

    /// Sets how long a commit is kept, by default 30 days, and never longer than a task that has ended. A snapshot takes over the content of a commit before
    /// it expires, when the task parks or ends and whenever it is written or read after half of this time.
    ///
    /// The one case in which nothing does so: a task that is *running*, and that for half of this time nobody
    /// has committed to, loaded or watched. Choose a retention longer than twice an agent's longest silence.
    #[must_use]
    pub fn commit_retention(mut self, retention: Duration) -> Self {
        self.commit_retention = retention;
        self
    }

    /// Sets the largest commit, and the largest task that still grows, in bytes of JSON; by default 16 MiB.
    ///
    /// A commit that changes the status passes even where the task is larger, so that a task can always end.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how often one request is sent at most, by default 5 times, with a growing, random pause between: 25 to 50 ms
    /// at first, in throttling up to 2.5 s. Only what passes by itself is sent again: throttling, transaction conflicts,
    /// lost answers. Each retry takes from the instance's budget
    /// ([`TaskStore::use_budget`](a2a_core::TaskStore::use_budget)).
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets how far apart commits of a task that is under way should begin, by default 60 ms. A commit costs a write
    /// unit for each KB or part of it, and a stream that is open elsewhere a message for each commit: a model's chunks
    /// that come every 20 ms take three times as many of both without it. Zero commits each as soon as it can.
    #[must_use]
    pub fn commit_spacing(mut self, spacing: Duration) -> Self {
        self.commit_spacing = spacing;
        self
    }

    /// Sets how much later lists may show a status within a turn, by default 2 s. The head of a task, and its place in the
    /// indexes, cost some four write units each time: an agent that says that it works, and ends a moment later, has them
    /// written once. Zero writes them with each status.
    #[must_use]
    pub fn status_lag(mut self, lag: Duration) -> Self {
        self.status_lag = lag;
        self
    }

    /// Sets how long the first page of a list counts the tasks of all pages, by default 1 s: some hundred thousand. What it
    /// has found by then is the total of the list.
    #[must_use]
    pub fn count_limit(mut self, limit: Duration) -> Self {
        self.count_limit = limit;
        self
    }

    /// Sets the source of time and chance.
    #[must_use]
    pub fn env(mut self, env: Arc<dyn Env>) -> Self {
        self.env = env;
        self
    }
}
