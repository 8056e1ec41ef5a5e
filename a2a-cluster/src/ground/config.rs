//! What an operator may tune: durations, buffer bounds and limits on what callers send.

use std::collections::BTreeSet;
use std::time::Duration;

use super::limits::Limits;
use super::settings::settings;
use super::webhooks::Webhooks;

settings! {
    /// Durations and bounds of a [`Cluster`](crate::Cluster). Every value has a default that suits a fleet behind
    /// a load balancer. [`ClusterBuilder::start`](crate::ClusterBuilder::start) refuses those that cannot be meant.
    ///
    /// ```
    /// use std::time::Duration;
    /// use a2a_cluster::{Config, ExecutorLost};
    ///
    /// let config = Config::default()
    ///     .lease(Duration::from_secs(30))
    ///     .executor_lost(ExecutorLost::Resume { max_attempts: 3 });
    /// ```
    pub struct Config {
        /// Sets how long a new agent may stay silent before its task is created without an event, by default 25 ms. Until
        /// then no task exists, so that an agent that only answers with a message leaves none behind.
        creation_delay: Duration = Duration::from_millis(25),
        /// Sets which message ids say by themselves that equal messages are one, so that a message that is sent again meets
        /// the task that it made; by default UUIDs. An `Idempotency-Key` does so always.
        message_ids: MessageIds = MessageIds::Uuids,
        /// Sets how long a gap in the news of a remote task may last before the store is asked, by default 50 ms.
        resync_after: Duration = Duration::from_millis(50),
        /// Sets after how much silence of a remote task the store is asked at first, by default 1 s.
        silence_min: Duration = Duration::from_secs(1),
        /// Sets the interval to which the checks of a silent task back off, by default 5 s.
        silence_max: Duration = Duration::from_secs(5),
        /// Sets how often a cancel is repeated to an executor, by default every 250 ms.
        cancel_repeat: Duration = Duration::from_millis(250),
        /// Sets how long an executor may ignore a cancel before the task is cancelled over its head, by default 2 s.
        cancel_patience: Duration = Duration::from_secs(2),
        /// Sets how long an agent may wind down after a cancel before its task is cancelled, by default 5 s.
        cancel_grace: Duration = Duration::from_secs(5),
        /// Sets the first pause between attempts of a store call, by default 20 ms. It doubles, with jitter.
        retry_min: Duration = Duration::from_millis(20),
        /// Sets the longest pause between attempts of a store call, by default 2 s.
        retry_max: Duration = Duration::from_secs(2),
        /// Sets how long a request may retry the store before it is answered with an error, by default 5 s.
        request_patience: Duration = Duration::from_secs(5),
        /// Sets how far apart the commits of a task begin that is under way; what an agent says meanwhile goes into one
        /// commit. By default, and with `None`, what the store advises.
        commit_spacing: Option<Duration> = None,
        /// Sets how often an instance beats its membership record, and observes others; by default every 5 s.
        beat_interval: Duration = Duration::from_secs(5),
        /// Sets after how long without a beat an instance is declared dead; at least three beats, by default 15 s.
        lease: Duration = Duration::from_secs(15),
        /// Sets for how long calls of the store may only fail before the instance says that it is not ready, by default
        /// 10 s.
        unready_after: Duration = Duration::from_secs(10),
        /// Sets for how long an instance that cannot reach its store lets its agents work on, unheard, by default 1 hour.
        /// Then it gives up its place, as if it had been evicted. Twice the lease at least.
        cut_off_limit: Duration = Duration::from_secs(60 * 60),
        /// Sets how long the record of a member that was evicted is kept after one of its tasks was last seen, by default
        /// 1 hour. At least an hour is wise: by it others know that whoever is silent is dead.
        keep_evicted: Duration = Duration::from_secs(60 * 60),
        /// Sets how long an agent may say nothing while it works, by default 15 minutes. Then it is asked to cancel, and its
        /// task fails.
        agent_silence: Duration = Duration::from_secs(15 * 60),
        /// Sets how long a turn may take as a whole, by default 24 hours. Then its agent is asked to cancel, and its task
        /// fails.
        turn_limit: Duration = Duration::from_secs(24 * 60 * 60),
        /// Sets how much longer than its grace a shutdown takes at most, by default 5 s.
        shutdown_limit: Duration = Duration::from_secs(5),
        /// Sets what becomes of a task whose executor is lost; by default it fails.
        executor_lost: ExecutorLost = ExecutorLost::Fail,
        /// Sets how many commits of one task are kept in memory for its streams; at least 1, by default 256.
        ring_commits: usize = 256,
        /// Sets their size in bytes, roughly; at least 1, by default 1 MiB.
        ring_bytes: usize = 1024 * 1024,
        /// Sets the size in bytes, roughly, of what is kept in memory for the streams of all tasks together; at least 1, by
        /// default 256 MiB. Streams that are further behind read the store.
        ring_total_bytes: usize = 256 * 1024 * 1024,
        /// Sets how many agents an instance runs at once; at least 1, by default 10,000. A request that needs one more is
        /// refused, with a time to retry after; an agent of an instance that died begins again on one that has room for it,
        /// once there is one. Where callers are told apart, one of them gets at most half.
        max_agents: usize = 10_000,
        /// Sets how many commits may wait for the store before an instance refuses requests that need an agent; at least 1,
        /// by default 5,000. Where callers are told apart, one with few of them is admitted beyond that, up to twice as many.
        /// While the store throttles, fewer: as many as it takes soon.
        max_waiting_commits: usize = 5_000,
        /// Sets the names of those headers (gRPC metadata alike) that agents see, beside the protocol's own `A2A-` headers;
        /// by default none. They are stored with the task, so that an agent which resumes it sees them, too. Headers that
        /// carry credentials are refused.
        agent_headers: Vec<String> = Vec::new(),
        /// Sets the tenants that there are, the empty one for requests that name none included if it is one of them; a
        /// request for another is `InvalidParams`. `None`, the default, takes each for one.
        tenants: Option<BTreeSet<String>> = None,
        /// Sets whether callers without a principal are served the extended agent card, too, by default not: for a gateway
        /// that lets nobody through who is not authenticated (specification, section 13.3), and does not say who it is.
        extended_card_for_anybody: bool = false,
        /// Sets whether the streams of a message that was sent stay open while the task waits for authorization, for agents
        /// that get it from elsewhere and go on by themselves (specification, section 7.6.1). By default they end there, as
        /// at any state that waits for the client (section 11.7).
        streams_await_authorization: bool = false,
        /// Sets how webhooks are called.
        webhooks: Webhooks = Webhooks::default(),
        /// Sets the limits on what callers send.
        limits: Limits = Limits::default(),
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
    ///
    /// Nothing is taken back of what the agent said before. A chunk with `append` is appended wherever its artifact exists
    /// already, so an agent that appends from its first chunk on doubles its artifact when it runs again. It should say
    /// the first chunk of each artifact without `append`, which replaces what is there, or go on from what
    /// `ExecutorContext::stored_task` has of it. That it runs again, an agent finds in its context's metadata under
    /// `urn:a2a-cluster:turn:v1`: `{"kind": "resumed", "attempt": 2}`, with the kind `handedOver` where its executor
    /// left in good order, which counts as no attempt.
    Resume {
        /// How often an agent is started for one turn, the first time included.
        max_attempts: u32,
    },
}
