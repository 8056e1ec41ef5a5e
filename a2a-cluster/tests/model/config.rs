//! What a configuration of the model contains: instances, clients, what agents may do, and how much may go wrong.

use std::time::Duration;

use crate::core::Settings;
use crate::flaws::Flaw;

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Wants {
    /// To send the first message and stream its turn.
    Send,
    /// To send the first message and wait for the end of its turn.
    SendAndWait,
    /// To send a later message and stream its turn.
    Follow,
    /// To send a later message and wait for the end of its turn.
    FollowAndWait,
    /// To see the task until it is over.
    Subscribe,
    /// The same, and it reads now and then only.
    SubscribeSlowly,
    /// To have the task cancelled.
    Cancel,
}

/// One thing that an agent may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Move {
    /// Give a piece of its result.
    Progress,
    /// Give as many pieces of its result at once as a commit has room for.
    Flood,
    /// Ask its caller, and stay open.
    Ask,
    /// Ask its caller, and end.
    AskAndEnd,
    /// Complete the task.
    Complete,
    /// End without a word.
    End,
    /// Fail.
    Fail,
    /// Answer with a bare message.
    Answer,
    /// Being asked to cancel, comply.
    Comply,
    /// Being asked to cancel, refuse.
    Decline,
}

/// How often each thing may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Budget {
    /// Calls and messages that take their time: anything may happen before them. A message may be lost so.
    pub(crate) delays: u8,
    /// Timers that fire.
    pub(crate) timers: u8,
    /// Things that agents say, all together.
    pub(crate) says: u8,
    /// Commits of which nobody can say whether they were applied.
    pub(crate) unknowns: u8,
    /// Commits that the store will not take.
    pub(crate) refusals: u8,
    /// Commits that are larger than the store takes.
    pub(crate) too_large: u8,
    /// Reads that fail.
    pub(crate) failed_reads: u8,
    /// Messages of the bus that arrive once more.
    pub(crate) repeats: u8,
    /// Instances that crash.
    pub(crate) crashes: u8,
    /// Living instances that are declared dead.
    pub(crate) zombies: u8,
    /// Instances that shut down.
    pub(crate) leaves: u8,
    /// Instances that are cut off from the store for a while.
    pub(crate) cuts: u8,
    /// Clients that leave before they have what they want.
    pub(crate) departures: u8,
    /// Looks of an instance at what is recorded of it.
    pub(crate) reconciliations: u8,
    /// Times that old commits are forgotten.
    pub(crate) trims: u8,
    /// Times that the task is deleted.
    pub(crate) deletions: u8,
}

/// One model.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) name: &'static str,
    pub(crate) nodes: usize,
    pub(crate) clients: &'static [(Wants, usize)],
    pub(crate) moves: &'static [Move],
    pub(crate) budget: Budget,
    /// How many steps at most.
    pub(crate) depth: usize,
    /// Whether the bus carries anything.
    pub(crate) bus: bool,
    /// The agent is to be started again where its executor is lost.
    pub(crate) resume: bool,
    /// The task is created before its agent starts.
    pub(crate) always_task: bool,
    pub(crate) webhooks: bool,
    pub(crate) ring: usize,
    /// Some states are followed until the weather has cleared.
    pub(crate) heals: bool,
    pub(crate) flaw: Option<Flaw>,
}

impl Config {
    pub(crate) const BASE: Config = Config {
        name: "base",
        nodes: 1,
        clients: &[],
        moves: &[Move::Progress, Move::Complete],
        budget: Budget {
            delays: 1,
            timers: 2,
            says: 3,
            unknowns: 0,
            refusals: 0,
            too_large: 0,
            failed_reads: 0,
            repeats: 0,
            crashes: 0,
            zombies: 0,
            leaves: 0,
            cuts: 0,
            departures: 0,
            reconciliations: 0,
            trims: 0,
            deletions: 0,
        },
        depth: 60,
        bus: true,
        resume: false,
        always_task: false,
        webhooks: false,
        ring: 8,
        heals: true,
        flaw: None,
    };

    pub(crate) fn settings(&self) -> Settings {
        let s = Duration::from_secs;
        Settings {
            creation_delay: s(1),
            commit_spacing: Duration::ZERO,
            resync_after: s(1),
            silence_min: s(2),
            silence_max: s(8),
            cancel_repeat: s(1),
            cancel_patience: s(2),
            cancel_grace: s(5),
            request_patience: s(6),
            retry_max: s(3),
            lease: s(10),
            agent_silence: s(600),
            turn_limit: s(6_000),
            ring_commits: self.ring,
            ring_bytes: 1 << 20,
            depth: 16,
            attempts: if self.resume { 2 } else { 0 },
            webhooks: self.webhooks,
        }
    }
}
