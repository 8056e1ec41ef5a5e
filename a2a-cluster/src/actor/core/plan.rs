//! From what an agent said to the events of the next commit.

use a2a::{A2AError, Message, Part, Role, StreamResponse, Task, TaskState};
use a2a_core::reduce::Refusal;
use a2a_core::{Env, commit, reduce, weight};

use super::buffer::{AgentOutput, EventBuffer};
use crate::limits;

/// What is known of a turn beside its task.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    /// The task as it is to be created; `None` once a commit has made it.
    pub(super) uncreated: Option<Box<Task>>,
    /// A bare message before anything else becomes the task's result instead of a direct answer.
    pub(super) always_task: bool,
    /// The last thing that the agent said was a bare message.
    pub(super) last_was_message: bool,
    /// Why the agent was asked to stop, if it was and did not refuse.
    pub(super) stopping: Option<StopReason>,
    /// Levels of nesting that an agent's data may have.
    pub(super) depth: usize,
    /// What of the agent's output the protocol forbids, until it is reported.
    pub(super) broke_protocol: Option<Refusal>,
}

impl Turn {
    /// An agent that is stopped because it took too long only knows that it is to cancel. Nobody cancels its task: it
    /// fails, and says why.
    fn judge(&self, event: &mut StreamResponse, task: &Task, env: &dyn Env) {
        let is_canceled = reduce::state_of(event) == Some(&TaskState::Canceled);
        if let Some(reason @ (StopReason::Silence | StopReason::TooLong)) = self.stopping
            && is_canceled
        {
            *event = reason.conclusion(task, env);
        }
    }
}

/// Why an agent is asked to stop; it says how its task ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// A caller cancels the task.
    Cancel,
    /// The agent has said nothing for as long as one may.
    Silence,
    /// The turn takes longer than one may.
    TooLong,
    /// The instance has no more time for it.
    Shutdown,
}

impl StopReason {
    /// Makes the event that ends the task of an agent that was asked to stop.
    pub fn conclusion(self, task: &Task, env: &dyn Env) -> StreamResponse {
        match self {
            StopReason::Cancel => canceled(task, env),
            StopReason::Silence => failed(task, "the agent said nothing for too long", env),
            StopReason::TooLong => failed(task, "the agent took too long", env),
            StopReason::Shutdown => failed(task, "the server stopped before the agent finished", env),
        }
    }
}

/// What to do with what was said.
#[derive(Debug)]
pub(super) enum CommitPlan {
    /// Commit these events.
    Commit {
        /// The events, in order; they are applied to the task.
        events: Vec<StreamResponse>,
        /// The agent has nothing more to say.
        ended: bool,
    },
    /// Answer with this message; there is to be no task.
    Answer(Message),
    /// Answer with this error; there is to be no task.
    Refuse(A2AError),
}

/// Takes what was said, as much as fits in one commit, and applies it to the task. A commit ends with the event that
/// ends a turn, so that whoever waits for that sees the task as it was then.
pub(super) fn plan_commit(
    said: &mut EventBuffer,
    task: &mut Task,
    turn: &mut Turn,
    env: &dyn Env,
) -> CommitPlan {
    let mut events = Vec::new();
    let mut bytes = 0;
    let mut ended = false;
    let mut parked = false;
    while events.len() < commit::MAX_EVENTS && bytes < commit::TARGET_BYTES && !parked {
        let Some(output) = said.pop() else { break };
        let first = turn.uncreated.is_some() && events.is_empty();
        let happened = match output {
            AgentOutput::Event(event) if limits::depth_of_event(&event) > turn.depth => {
                vec![failed(task, "the agent's data is nested too deeply", env)]
            }
            AgentOutput::Event(StreamResponse::Message(message)) if first && !turn.always_task => {
                return CommitPlan::Answer(as_reply(task, message, env));
            }
            // The task is there already, so an agent's last word becomes its result.
            AgentOutput::Event(StreamResponse::Message(message))
                if said.ends_next() && !reduce::is_interrupted(&task.status.state) =>
            {
                vec![reduce::status(task, TaskState::Completed, Some(message), env)]
            }
            AgentOutput::Event(event) => {
                turn.last_was_message = matches!(event, StreamResponse::Message(_));
                reduce::admit(task, event, env).unwrap_or_else(|refusal| {
                    turn.broke_protocol = Some(refusal);
                    vec![failed(task, "the agent gave an invalid response", env)]
                })
            }
            AgentOutput::Failed(error) if first && !turn.always_task => return CommitPlan::Refuse(error),
            AgentOutput::Failed(_) if turn.stopping.is_some() => vec![],
            AgentOutput::Failed(error) => vec![failed(task, &error.message, env)],
            // Whether it refused was heard when it said so.
            AgentOutput::CancelFailed(_) => vec![],
            AgentOutput::Panicked => vec![failed(task, "the agent failed unexpectedly", env)],
            AgentOutput::Ended => {
                ended = true;
                vec![]
            }
        };
        let before = events.len();
        if events.is_empty() {
            // Most commits hold one event: the list that it came in is theirs.
            events = happened;
        } else {
            events.extend(happened);
        }
        for at in before..events.len() {
            let Some(event) = events.get_mut(at) else { break };
            turn.judge(event, task, env);
            bytes += weight::of_event(event);
            reduce::apply(task, event);
            parked |= reduce::state_of(event).is_some_and(reduce::is_interrupted);
            if task.status.state.is_terminal() {
                events.truncate(at + 1);
                said.clear();
                return CommitPlan::Commit { events, ended: true };
            }
        }
    }
    // An agent that asks and ends needs no other write to end its claim.
    if parked && turn.stopping.is_none() && said.ends_next() {
        said.pop();
        ended = true;
    }
    if ended && let Some(event) = conclusion(task, turn, env) {
        reduce::apply(task, &event);
        events.push(event);
    }
    CommitPlan::Commit { events, ended }
}

/// Makes the event that fails a task, with words for its caller.
pub fn failed(task: &Task, why: &str, env: &dyn Env) -> StreamResponse {
    ends(task, TaskState::Failed, why, env)
}

/// Makes the event that cancels a task.
pub fn canceled(task: &Task, env: &dyn Env) -> StreamResponse {
    ends(task, TaskState::Canceled, "the task was canceled", env)
}

fn ends(task: &Task, state: TaskState, why: &str, env: &dyn Env) -> StreamResponse {
    let mut message = Message::new(Role::Agent, vec![Part::text(why)]);
    message.message_id = env.uuid().to_string();
    reduce::status(task, state, Some(message), env)
}

/// What becomes of a task whose agent has fallen silent for good.
fn conclusion(task: &Task, turn: &Turn, env: &dyn Env) -> Option<StreamResponse> {
    let state = &task.status.state;
    if let Some(reason) = turn.stopping {
        Some(reason.conclusion(task, env))
    } else if reduce::is_interrupted(state) {
        None
    } else if turn.last_was_message {
        Some(reduce::status(task, TaskState::Completed, None, env))
    } else {
        Some(failed(task, "the agent ended without finishing the task", env))
    }
}

/// A direct answer belongs to a context but to no task (specification, section 3.4.1).
fn as_reply(task: &Task, message: Message, env: &dyn Env) -> Message {
    let message_id =
        if message.message_id.is_empty() { env.uuid().to_string() } else { message.message_id.clone() };
    Message {
        message_id,
        context_id: Some(task.context_id.clone()),
        task_id: None,
        role: if message.role == Role::Unspecified { Role::Agent } else { message.role.clone() },
        ..message
    }
}
