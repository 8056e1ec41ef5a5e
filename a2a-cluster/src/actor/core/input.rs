//! What an actor is told: requests, what its agent says, what stores and other instances answer, and that time passes.

use std::sync::Arc;

use a2a::{A2AError, Message, Task, TaskState};
use a2a_core::{
    CallerContext, CancelRequest, Claim, CommitRecord, InstanceId, MemberState, News, Principal, Reach,
    Replay, StoredTask, TaskHead, Tip, Version,
};

use super::buffer::AgentOutput;
use super::{AgentId, Time};

/// Names who waits for a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// When whoever sent a message is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerAt {
    /// Once the task exists, without a copy of it.
    Opening,
    /// Once the task exists, with it as it is then.
    Creation,
    /// Once the turn ends, with the task as it is then.
    TurnEnd,
}

/// Why an agent is started; it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TurnKind {
    /// A message that begins a task.
    First,
    /// A message to a parked task.
    FollowUp,
    /// Its executor was lost, or handed the task over.
    Resumed {
        /// The executor left in good order.
        handed_over: bool,
    },
    /// A parked task is cancelled: only the agent's `cancel` is called.
    CancelOnly,
}

/// A first turn: of a task that no commit has made yet.
#[derive(Debug, Clone)]
pub struct FirstTurn {
    /// Who waits for an answer.
    pub ticket: Ticket,
    /// When it is answered.
    pub answer_at: AnswerAt,
    /// The task as it is to be created, with the caller's message in its history.
    pub task: Task,
    /// The message names its context: it cannot be one that began a task in another.
    pub names_context: bool,
    /// Who creates it.
    pub principal: Option<Principal>,
    /// What the agent may know of the caller.
    pub caller: Option<CallerContext>,
    /// Create the task before the agent starts, and never answer with a bare message.
    pub always_task: bool,
    /// The task has push notification configs.
    pub webhooks: bool,
    /// Whoever waits reads from the ring, too: it attaches with this, whatever comes of it.
    pub reads: bool,
}

/// A turn of a parked task: a message that was checked against the task as it was then.
#[derive(Debug, Clone)]
pub struct FollowUp {
    /// Who waits for an answer.
    pub ticket: Ticket,
    /// When it is answered.
    pub answer_at: AnswerAt,
    /// The task, as it was loaded.
    pub task: Arc<Task>,
    /// The end of its log then.
    pub after: Tip,
    /// The claim in its head then.
    pub before: Option<Claim>,
    /// Who created it.
    pub principal: Option<Principal>,
    /// The message.
    pub message: Message,
    /// What the agent may know of the caller.
    pub caller: Option<CallerContext>,
    /// Whoever waits reads from the ring, too: it attaches once the task is claimed, and is told so by `Open`.
    pub reads: bool,
}

/// What a read of the task showed.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The end of its log.
    pub tip: Tip,
    /// Its state.
    pub state: TaskState,
    /// The claim in its head.
    pub claim: Option<Claim>,
}

impl Seen {
    /// What a loaded task shows.
    pub fn of(stored: &StoredTask) -> Self {
        let state = stored.task.status.state.clone();
        Seen { tip: stored.tip(), state, claim: stored.head.claim }
    }
}

/// What an actor knew of a task when somebody set out to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Which task of this id it was.
    pub life: u32,
    /// The last version that was known.
    pub version: Version,
}

/// What became of a write.
#[derive(Debug, Clone)]
pub enum Written {
    /// It is applied.
    Applied,
    /// Another's commit has its version.
    Lost,
    /// Nobody can say any more whether it was applied.
    Unknown,
    /// The store takes less than this.
    TooLarge(A2AError),
    /// The store does not take it, and will not; or this instance stopped before it did.
    Refused(A2AError),
}

impl Written {
    /// What became of a commit of ours, by what the log has where it was to be.
    pub fn found(replay: &Replay, ours: &CommitRecord) -> Self {
        match replay {
            Replay::Commits(commits) => match commits.iter().find(|commit| commit.version == ours.version) {
                Some(found) if found.id == ours.id => Written::Applied,
                Some(_) => Written::Lost,
                None => Written::Unknown,
            },
            // The log is trimmed; but a claim that still stands was made.
            Replay::Snapshot(stored) if stored.head.claim.is_some_and(|claim| claim.by == ours.id) => {
                Written::Applied
            }
            Replay::Snapshot(_) => Written::Unknown,
        }
    }
}

/// What the log has after a version.
#[derive(Debug, Clone)]
pub enum Later {
    /// These commits, in order.
    Commits(Vec<Arc<CommitRecord>>),
    /// The task, in the place of commits that are no longer kept.
    Snapshot(Seen),
}

/// A failed read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFailed {
    /// It is tried again later.
    ForNow,
    /// What the store has cannot be understood here: trying again does not help.
    ForGood,
}

/// Why this instance stops with its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leave {
    /// It shuts down, and fails what is left.
    Fail,
    /// It shuts down, and hands what is left over to others.
    HandOver,
    /// Others have declared it dead: what it has is theirs.
    Evicted,
}

/// Everything that may happen to a task on one instance.
#[derive(Debug, Clone)]
pub enum Input {
    /// A stream opens here. It reads from the ring at once; or it is about to read the store first, and then joins.
    Attach {
        /// It reads from the ring at once.
        joined: bool,
    },
    /// A stream closed.
    Detach {
        /// It had joined.
        joined: bool,
    },
    /// A stream joins: its own read of the store showed this, registered as a watcher before it or not.
    Joined {
        /// What it showed.
        seen: Seen,
        /// This instance was registered before the read.
        registered: bool,
    },
    /// The store was asked when this was known, and has the task at this version: less than was known is another task.
    Found(Known, Version),
    /// A message begins this task.
    Begin(Box<FirstTurn>),
    /// A message continues this task.
    Continue(Box<FollowUp>),
    /// A caller here wants the task cancelled.
    Cancel {
        /// Who waits for it.
        ticket: Ticket,
        /// What the agent may know of the request.
        request: CancelRequest,
    },
    /// Whoever waited has left.
    Abandon(Ticket),
    /// The executor is gone, or nobody is: take the task over from this one.
    TakeOver {
        /// Who waits until it is decided.
        ticket: Option<Ticket>,
        /// Whose claim stands; `None`: nobody's.
        from: Option<InstanceId>,
        /// It left in good order.
        handed_over: bool,
    },
    /// The agent said this.
    Said(AgentId, Vec<AgentOutput>),
    /// The agent is dropped.
    AgentGone(AgentId),
    /// A write ended.
    Written {
        /// The commit, for a commit.
        record: Option<Arc<CommitRecord>>,
        /// What became of it.
        outcome: Written,
    },
    /// The task was loaded; `pending`: a webhook lacks something of it.
    Loaded(Result<Option<(Box<StoredTask>, bool)>, ReadFailed>),
    /// This instance is a watcher, and then saw this.
    Watched(Result<Option<Seen>, ReadFailed>),
    /// The log has this after what the ring has.
    Read(Result<Later, ReadFailed>),
    /// The head is this.
    Head(Result<Option<TaskHead>, ReadFailed>),
    /// These instances watch the task, and lack what came after a version.
    Watchers(Vec<(InstanceId, Reach)>, Version),
    /// A member's state; `None` where it has no record.
    Member(InstanceId, Result<Option<MemberState>, ReadFailed>),
    /// A message to watchers was sent, or was not; these do not exist any more.
    Sent {
        /// Those that are gone.
        gone: Vec<InstanceId>,
    },
    /// Another instance sent this; it was received then.
    News {
        /// The sender.
        from: InstanceId,
        /// What it says.
        news: News,
        /// When it was received.
        received: Time,
    },
    /// This dispatcher attends to the task's webhooks from now on.
    Attended(u64),
    /// All webhooks have everything, or are given up, and this dispatcher has left.
    Delivered(u64),
    /// The way in which this instance is reached has changed.
    ReachChanged,
    /// This instance knows, or knows again, that others do not take it for dead.
    CutOff(bool),
    /// This instance stops.
    Leave(Leave),
    /// Time has passed.
    Tick,
}

/// The answer to whoever waits.
#[derive(Debug, Clone)]
pub enum Reply {
    /// The task exists; its ring has the rest: from its beginning, or after what it was at this tip.
    Open(Option<(Arc<Task>, Tip)>),
    /// The task, as far as was asked for.
    Task(Arc<Task>),
    /// The agent only answered with a message; there is no task.
    Message(Box<Message>),
    /// The agent, or the store, refused; nothing has changed.
    Refused(A2AError),
    /// Another instance has the task now; follow it there. With the task as it was to be created, where it was.
    Lost(Option<Box<Task>>),
    /// The task is there, as far as this instance knows: meet it. With the task as it was to be created, for the case that
    /// it is gone.
    Met(Box<Task>),
    /// The task has changed since it was read: read it again.
    Stale,
    /// What comes before this request takes too long; nothing was done for it.
    Busy,
    /// Nobody knows yet whether the message was taken: read the task.
    Unknown,
    /// This instance stops.
    Stopped,
    /// The task is over: read it.
    Over,
    /// The agent does not cancel this task.
    NotCancelable,
    /// It is decided who has the task.
    TakeOver(TakeOverOutcome),
}

/// How a take-over ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TakeOverOutcome {
    /// The task is failed.
    Failed,
    /// Its agent runs here.
    Resumed,
    /// Its claim is ended.
    Ended,
    /// What its webhooks lack is delivered from here.
    Delivering,
    /// It was not that executor's any more, or somebody else was faster.
    NotTheirs,
    /// It could not be read or written now: try again.
    Again,
}
