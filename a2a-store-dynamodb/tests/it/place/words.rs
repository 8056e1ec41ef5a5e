//! What two processes say to each other about a store: its calls and answers as JSON.

use std::sync::Arc;

use a2a::{StreamResponse, Task, TaskPushNotificationConfig, TaskState};
use a2a_core::{
    BackendError, Beat, CallerContext, Claim, ClaimChange, CommitId, CommitRecord, ConfigRevision, Cursor,
    DeliveryId, Eviction, ExecutingPage, Format, Generation, GivenUpDelivery, InstanceId, Key, Keys, Member,
    Outcome, Principal, PushDelivery, PushProgress, PushSubscription, Replay, StoredTask, TaskHead, TaskKey,
    TaskPage, TaskQuery, Tenant, Tip, Version,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One call of a store.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Call {
    Load(TaskKey),
    LoadFor(TaskKey, Option<Principal>),
    Head(TaskKey),
    Commit(Box<CommitCall>),
    CommitSpacing,
    CommitsAfter(TaskKey, Version),
    Watch(TaskKey, InstanceId),
    Watchers(TaskKey),
    Unwatch(TaskKey, InstanceId),
    Release(TaskKey, Claim),
    List(#[serde(with = "QueryWords")] TaskQuery),
    Delete(TaskKey),
    Beat(Member),
    Member(InstanceId),
    Roster(Option<InstanceId>, usize),
    Evict(InstanceId, u64),
    Remove(InstanceId),
    Executing(InstanceId, Option<TaskKey>),
    SaveConfig(TaskKey, Config),
    GetConfig(TaskKey, String),
    ListConfigs(TaskKey),
    RemoveConfig(TaskKey, String),
    BeginDelivery(TaskKey, PushDelivery),
    Acknowledge(TaskKey, PushDelivery, PushProgress),
    GiveUp(GivenUp),
    GivenUp(Option<(TaskKey, String)>, usize),
    ForgetGivenUp(TaskKey, String),
    Format,
    Keys(String, [u8; 32]),
    RenewKey(String, u32, [u8; 32]),
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CommitCall {
    pub(crate) key: TaskKey,
    pub(crate) after: Tip,
    pub(crate) id: CommitId,
    pub(crate) events: Vec<StreamResponse>,
    pub(crate) task: Task,
    #[serde(with = "ChangeWords")]
    pub(crate) change: ClaimChange,
    pub(crate) principal: Option<Principal>,
    pub(crate) caller: Option<CallerContext>,
}

/// A failure as another process can tell it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    kind: String,
    text: String,
}

impl From<BackendError> for Failure {
    fn from(error: BackendError) -> Self {
        let kind = match &error {
            BackendError::Unavailable(_) => "unavailable",
            BackendError::Indeterminate(_) => "indeterminate",
            BackendError::Rejected { .. } => "rejected",
            BackendError::TooLarge { .. } => "too large",
            BackendError::Closed => "closed",
            _ => "corrupt",
        };
        Failure { kind: kind.to_owned(), text: format!("{error:?}") }
    }
}

impl From<Failure> for BackendError {
    fn from(Failure { kind, text }: Failure) -> Self {
        match kind.as_str() {
            "unavailable" => BackendError::Unavailable(text.into()),
            "indeterminate" => BackendError::Indeterminate(text.into()),
            "rejected" => BackendError::rejected(text),
            "too large" => BackendError::TooLarge { what: "something elsewhere", actual: 1, limit: 0 },
            "closed" => BackendError::Closed,
            _ => BackendError::corrupt(text),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stored(#[serde(with = "StoredWords")] pub(crate) StoredTask);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Facts(#[serde(with = "HeadWords")] pub(crate) TaskHead);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Fate(#[serde(with = "OutcomeWords")] pub(crate) Outcome);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pulse(#[serde(with = "BeatWords")] pub(crate) Beat);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Verdict(#[serde(with = "EvictionWords")] pub(crate) Eviction);

#[derive(Debug, Serialize, Deserialize)]
struct Place(#[serde(with = "CursorWords")] Cursor);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Page(Vec<Task>, Option<Place>, u64);

impl From<TaskPage> for Page {
    fn from(page: TaskPage) -> Self {
        Page(page.tasks, page.next.map(Place), page.total)
    }
}

impl From<Page> for TaskPage {
    fn from(Page(tasks, next, total): Page) -> Self {
        TaskPage { tasks, next: next.map(|place| place.0), total }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Log {
    Commits(Vec<CommitRecord>),
    Snapshot(Box<Stored>),
}

impl From<Replay> for Log {
    fn from(replay: Replay) -> Self {
        match replay {
            Replay::Commits(commits) => Log::Commits(commits.iter().map(|one| (**one).clone()).collect()),
            Replay::Snapshot(stored) => Log::Snapshot(Box::new(Stored(*stored))),
        }
    }
}

impl From<Log> for Replay {
    fn from(log: Log) -> Self {
        match log {
            Log::Commits(commits) => Replay::Commits(commits.into_iter().map(Arc::new).collect()),
            Log::Snapshot(stored) => Replay::Snapshot(Box::new(stored.0)),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Config(TaskPushNotificationConfig, ConfigRevision, PushProgress, Option<DeliveryId>);

impl From<PushSubscription> for Config {
    fn from(subscription: PushSubscription) -> Self {
        let PushSubscription { config, revision, progress, delivery } = subscription;
        Config(config, revision, progress, delivery)
    }
}

impl From<Config> for PushSubscription {
    fn from(Config(config, revision, progress, delivery): Config) -> Self {
        PushSubscription { config, revision, progress, delivery }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Executing(#[serde(with = "ExecutingWords")] pub(crate) ExecutingPage);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct GivenUp(#[serde(with = "GivenUpWords")] pub(crate) GivenUpDelivery);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Formatted(u32, u32);

impl From<Format> for Formatted {
    fn from(format: Format) -> Self {
        Formatted(format.min_reader, format.min_writer)
    }
}

impl From<Formatted> for Format {
    fn from(Formatted(min_reader, min_writer): Formatted) -> Self {
        Format { min_reader, min_writer }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ring(#[serde(with = "KeyWords")] Key, Option<(u32, [u8; 32])>);

impl From<Keys> for Ring {
    fn from(keys: Keys) -> Self {
        Ring(keys.current, keys.previous.map(|key| (key.number, key.secret)))
    }
}

impl From<Ring> for Keys {
    fn from(Ring(current, previous): Ring) -> Self {
        Keys { current, previous: previous.map(|(number, secret)| Key { number, secret }) }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Key")]
struct KeyWords {
    number: u32,
    secret: [u8; 32],
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ExecutingPage")]
struct ExecutingWords {
    tasks: Vec<TaskKey>,
    next: Option<TaskKey>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "GivenUpDelivery")]
struct GivenUpWords {
    task: TaskKey,
    config_id: String,
    version: Version,
    host: String,
    reason: String,
    at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "StoredTask")]
struct StoredWords {
    task: Task,
    version: Version,
    generation: Generation,
    #[serde(with = "HeadWords")]
    head: TaskHead,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TaskHead")]
struct HeadWords {
    state: TaskState,
    principal: Option<Principal>,
    caller: Option<Box<CallerContext>>,
    claim: Option<Claim>,
    generation: Generation,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ClaimChange")]
enum ChangeWords {
    Keep,
    Make { instance: InstanceId, attempt: u32 },
    End,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Outcome")]
enum OutcomeWords {
    Applied(Version),
    Conflict { actual: Version },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Beat")]
enum BeatWords {
    Alive,
    Evicted,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Eviction")]
enum EvictionWords {
    Evicted,
    Moved { beat: u64 },
    Absent,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Cursor")]
struct CursorWords {
    timestamp: DateTime<Utc>,
    task_id: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TaskQuery")]
struct QueryWords {
    tenant: Tenant,
    principal: Option<Principal>,
    context_id: Option<String>,
    state: Option<TaskState>,
    updated_since: Option<DateTime<Utc>>,
    #[serde(with = "after")]
    after: Option<Cursor>,
    counted: Option<u64>,
    limit: usize,
    bytes: usize,
    history: Option<usize>,
    artifacts: bool,
}

mod after {
    use serde::{Deserializer, Serializer};

    use super::{Cursor, Deserialize, Place, Serialize};

    pub(super) fn serialize<S: Serializer>(after: &Option<Cursor>, to: S) -> Result<S::Ok, S::Error> {
        after.clone().map(Place).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Cursor>, D::Error> {
        Ok(Option::<Place>::deserialize(from)?.map(|place| place.0))
    }
}
