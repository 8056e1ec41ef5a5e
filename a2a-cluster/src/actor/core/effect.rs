//! What an actor wants done. Whoever stepped it does it, and steps it again with what came of it.

use std::sync::Arc;

use a2a::{StreamResponse, Task};
use a2a_core::reduce::Refusal;
use a2a_core::{
    CallerContext, CancelRequest, Claim, ClaimChange, CommitId, InstanceId, News, Principal, Recipient, Tip,
    Version,
};

use super::AgentId;
use super::input::{Reply, Ticket, TurnKind};
use crate::ground::telemetry::TurnOutcome;

/// A commit to be made: it expects `after`.
#[derive(Debug, Clone)]
pub struct CommitCall {
    /// The end of the log that it follows.
    pub after: Tip,
    /// Its name.
    pub id: CommitId,
    /// What happened.
    pub events: Vec<StreamResponse>,
    /// The task with these events applied.
    pub task: Arc<Task>,
    /// What becomes of the claim.
    pub claim: ClaimChange,
    /// Who creates the task, if it does.
    pub principal: Option<Principal>,
    /// What an agent may know of the caller, if a turn begins.
    pub caller: Option<CallerContext>,
    /// Somebody waits for it, and may be refused: where the store cannot be reached for as long as a request may last,
    /// and no attempt of it can have been applied, it is given up.
    pub may_refuse: bool,
}

/// An agent to be started.
#[derive(Debug, Clone)]
pub struct StartAgent {
    /// Its name within this actor.
    pub agent: AgentId,
    /// Why it starts.
    pub kind: TurnKind,
    /// Which start in this turn it is.
    pub attempt: u32,
    /// The task as it is now.
    pub task: Arc<Task>,
    /// The task before the message that begins this turn, for a follow-up.
    pub base: Option<Arc<Task>>,
    /// Who created the task.
    pub principal: Option<Principal>,
    /// What the agent may know of its caller.
    pub caller: Option<CallerContext>,
    /// Whose request it is; a turn without one is the cluster's own.
    pub ticket: Option<Ticket>,
    /// What it may know of a request to cancel, where it is only to cancel.
    pub cancel: Option<Box<CancelRequest>>,
}

/// One thing to do.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Commit, as often as it takes; answer with `Written`.
    Commit(CommitCall),
    /// Release this claim; answer with `Written`.
    Release(Claim),
    /// Load the task; answer with `Loaded`.
    Load,
    /// Fence the turn that is under way with a commit of this name, then load the task; answer with `Loaded`.
    FenceAndLoad(CommitId),
    /// Register as a watcher, then read; answer with `Watched`.
    Watch,
    /// Register no longer. No answer.
    Unwatch,
    /// Read what the log has after this version; answer with `Read`.
    Read(Version),
    /// Read the head; answer with `Head`.
    ReadHead,
    /// Read who watches, and how they are reached; answer with `Watchers` and this version.
    ReadWatchers(Version),
    /// Forget a watcher that is gone. No answer.
    ForgetWatcher(InstanceId),
    /// Read a member's record; answer with `Member`.
    FindMember(InstanceId),
    /// Send to watchers; answer with `Sent`.
    Send {
        /// To whom.
        to: Vec<Recipient>,
        /// What.
        news: News,
        /// The first version in it, for the time that it took.
        first: Version,
    },
    /// Send a hint. No answer.
    Hint(InstanceId, News),
    /// Start an agent; tell what it says.
    Start(Box<StartAgent>),
    /// Call an agent's `cancel` and listen to that as well.
    CancelAgent(AgentId, Box<CancelRequest>),
    /// Drop an agent; answer with `AgentGone`.
    StopAgent(AgentId),
    /// There is room again for what the agent says.
    WakeAgent,
    /// There is something new for streams.
    WakeReaders,
    /// Answer whoever waits.
    Reply(Ticket, Reply),
    /// See to the task's webhooks.
    Attend,
    /// This task is left to others, under this claim.
    HandOver(Claim),
    /// Count this, and log it.
    Report(Report),
}

/// What an operator may want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// Another writer has the task; the agent here stops.
    Lost,
    /// The agent broke the protocol.
    BrokeProtocol(Refusal),
    /// What the agent said is larger than the store keeps.
    TooLarge,
    /// A task cannot be committed.
    Broken,
    /// An executor did not cancel in time, and was passed over.
    CancelEnforced,
    /// An agent said nothing for too long, or took too long.
    Overdue,
    /// A gap was repaired from the store.
    GapRepaired,
    /// The store was asked after silence, and had news or had not.
    SilenceChecked(bool),
    /// A take-over ended.
    TakenOver(super::input::TakeOverOutcome),
    /// A turn ended here.
    Turn(TurnOutcome),
}
