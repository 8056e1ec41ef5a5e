//! What an operator may tune: durations, buffer bounds and limits on what callers send.

use std::collections::BTreeSet;
use std::time::Duration;

use super::webhooks::Webhooks;

/// Durations and bounds of a [`Cluster`](crate::Cluster). Every value has a default that suits a fleet behind
/// a load balancer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// How long a new agent may stay silent before its task is created without an event. Until then no task
    /// exists, so that an agent that only answers with a message leaves none behind. Default: 25 ms.
    pub creation_delay: Duration,
    /// Which message ids say by themselves that equal messages are one, so that a message that is sent again meets
    /// the task that it made. An `Idempotency-Key` does so always. Default: UUIDs.
    pub message_ids: MessageIds,
    /// How long a gap in the news of a remote task may last before the store is asked. Default: 50 ms.
    pub resync_after: Duration,
    /// After how much silence of a remote task the store is asked at first. Default: 1 s.
    pub silence_min: Duration,
    /// The interval to which the checks of a silent task back off. Default: 5 s.
    pub silence_max: Duration,
    /// How often a cancel is repeated to an executor. Default: 250 ms.
    pub cancel_repeat: Duration,
    /// How long an executor may ignore a cancel before the task is cancelled over its head. Default: 2 s.
    pub cancel_patience: Duration,
    /// How long an agent may wind down after a cancel before its task is cancelled. Default: 5 s.
    pub cancel_grace: Duration,
    /// The first pause between attempts of a store call. It doubles, with jitter. Default: 20 ms.
    pub retry_min: Duration,
    /// The longest pause between attempts of a store call. Default: 2 s.
    pub retry_max: Duration,
    /// How long a request may retry the store before it is answered with an error. Default: 5 s.
    pub request_patience: Duration,
    /// How far apart the commits of a task begin that is under way; what an agent says meanwhile goes into one commit.
    /// Default: what the store advises.
    pub commit_spacing: Option<Duration>,
    /// How often an instance beats its membership record, and observes others. Default: 5 s.
    pub beat_interval: Duration,
    /// After how long without a beat an instance is declared dead. At least three beats. Default: 15 s.
    pub lease: Duration,
    /// For how long calls of the store may only fail before the instance says that it
    /// is not ready. Default: 10 s.
    pub unready_after: Duration,
    /// For how long an instance that cannot reach its store lets its agents work on, unheard. Then it gives up its
    /// place, as if it had been evicted. Twice the lease at least. Default: 1 hour.
    pub cut_off_limit: Duration,
    /// How long the record of a member that was evicted is kept after one of its tasks was last seen. At least an
    /// hour is wise: by it others know that whoever is silent is dead. Default: 1 hour.
    pub keep_evicted: Duration,
    /// How long an agent may say nothing while it works. Then it is asked to cancel, and its task fails. Default:
    /// 15 minutes.
    pub agent_silence: Duration,
    /// How long a turn may take as a whole. Then its agent is asked to cancel, and its task fails. Default: 24 hours.
    pub turn_limit: Duration,
    /// How much longer than its grace a shutdown takes at most. Default: 5 s.
    pub shutdown_limit: Duration,
    /// What becomes of a task whose executor is lost. Default: it fails.
    pub executor_lost: ExecutorLost,
    /// The commits of one task that are kept in memory for its streams. Default: 256.
    pub ring_commits: usize,
    /// Their size in bytes, roughly. Default: 1 MiB.
    pub ring_bytes: usize,
    /// The size in bytes, roughly, of what is kept in memory for the streams of all tasks together. Streams that are
    /// further behind read the store. Default: 256 MiB.
    pub ring_total_bytes: usize,
    /// How many agents an instance runs at once. A request that needs one more is refused, with a time to retry
    /// after; an agent of an instance that died begins again on one that has room for it, once there is one. Where callers are told apart, one of them gets at most half. Default: 10,000.
    pub max_agents: usize,
    /// How many commits may wait for the store before an instance refuses requests that need an agent. Where callers
    /// are told apart, one with few of them is admitted beyond that, up to twice as many. Default: 5,000.
    pub max_waiting_commits: usize,
    /// The names of those headers (gRPC metadata alike) that agents see, beside the protocol's own `A2A-` headers. They
    /// are stored with the task, so that an agent which resumes it sees them, too. Never headers that carry
    /// credentials. Default: none.
    pub agent_headers: Vec<String>,
    /// The tenants that there are, the empty one for requests that name none included if it is one of them; a request for
    /// another is `InvalidParams`. `None` takes each for one. Default: `None`.
    pub tenants: Option<BTreeSet<String>>,
    /// Serves the extended agent card to callers without a principal, too: where a gateway lets nobody through who is not
    /// authenticated (specification, section 13.3), and does not say who it is. Default: false.
    pub extended_card_for_anybody: bool,
    /// Keeps the streams of a message that was sent open while the task waits for authorization, for agents that get it from
    /// elsewhere and go on by themselves (specification, section 7.6.1). Otherwise they end there, as at any state that waits
    /// for the client (section 11.7). Default: false.
    pub streams_await_authorization: bool,
    /// How webhooks are called.
    pub webhooks: Webhooks,
    /// Limits on what callers send.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            creation_delay: Duration::from_millis(25),
            message_ids: MessageIds::Uuids,
            resync_after: Duration::from_millis(50),
            silence_min: Duration::from_secs(1),
            silence_max: Duration::from_secs(5),
            cancel_repeat: Duration::from_millis(250),
            cancel_patience: Duration::from_secs(2),
            cancel_grace: Duration::from_secs(5),
            retry_min: Duration::from_millis(20),
            retry_max: Duration::from_secs(2),
            request_patience: Duration::from_secs(5),
            commit_spacing: None,
            beat_interval: Duration::from_secs(5),
            lease: Duration::from_secs(15),
            unready_after: Duration::from_secs(10),
            cut_off_limit: Duration::from_secs(60 * 60),
            keep_evicted: Duration::from_secs(60 * 60),
            agent_silence: Duration::from_secs(15 * 60),
            turn_limit: Duration::from_secs(24 * 60 * 60),
            shutdown_limit: Duration::from_secs(5),
            executor_lost: ExecutorLost::Fail,
            ring_commits: 256,
            ring_bytes: 1024 * 1024,
            ring_total_bytes: 256 * 1024 * 1024,
            max_agents: 10_000,
            max_waiting_commits: 5_000,
            agent_headers: Vec::new(),
            tenants: None,
            extended_card_for_anybody: false,
            streams_await_authorization: false,
            webhooks: Webhooks::default(),
            limits: Limits::default(),
        }
    }
}

/// Which message ids make a message idempotent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageIds {
    /// Those that are UUIDs: whoever draws one for each message means it.
    Uuids,
    /// All, also those of clients that number their messages and begin anew.
    All,
    /// None.
    None,
}

/// What becomes of a task whose executor is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutorLost {
    /// It fails, with a status that says why.
    Fail,
    /// The agent runs again on a survivor, with the task as far as it got; after so many attempts in all, the
    /// task fails.
    Resume {
        /// How often an agent is started for one turn, the first time included.
        max_attempts: u32,
    },
}

/// Limits on what callers send. What exceeds one is `InvalidParams`, with the limit's name and value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one message, its parts and metadata together. Default: 8 MiB.
    pub message_bytes: usize,
    /// Parts of one message. Default: 1,000.
    pub parts: usize,
    /// Levels of nesting in a data part or in metadata. The protobuf form, which all bindings pass through,
    /// takes about thirty. Default: 24.
    pub depth: usize,
    /// Bytes of an id: of a task, context, message, config or tenant. Default: 256.
    pub id_bytes: usize,
    /// Push notification configs of one task. Default: 50.
    pub push_configs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { message_bytes: 8 * 1024 * 1024, parts: 1_000, depth: 24, id_bytes: 256, push_configs: 50 }
    }
}
