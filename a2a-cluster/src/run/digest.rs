//! From what an agent said to the events of the next commit.

use std::collections::VecDeque;

use a2a::{A2AError, Message, Part, Role, StreamResponse, Task, TaskState, error_code};
use a2a_core::{Env, commit, reduce};

use super::voice::Said;
use crate::{limits, weight};

/// What a run knows of its turn while it digests.
#[derive(Debug)]
pub(super) struct Turn {
    /// The task as it is to be created; `None` once a commit has made it.
    pub(super) uncreated: Option<Box<Task>>,
    /// The last thing that the agent said was a bare message.
    pub(super) last_was_message: bool,
    /// A caller asked to cancel, and the agent did not refuse.
    pub(super) cancelling: bool,
    /// Levels of nesting that an agent's data may have.
    pub(super) depth: usize,
}

/// What to do with what was said.
#[derive(Debug)]
pub(super) enum Digest {
    /// Commit these events.
    Commit {
        events: Vec<StreamResponse>,
        /// The agent has nothing more to say.
        ended: bool,
        /// The agent does not cancel this task.
        refused: bool,
    },
    /// Answer with this message; there is to be no task.
    Answer(Message),
    /// Answer with this error; there is to be no task.
    Refuse(A2AError),
}

/// Takes what was said, as much as fits in one commit, and applies it to the task.
pub(super) fn digest(heard: &mut VecDeque<Said>, task: &mut Task, turn: &mut Turn, env: &dyn Env) -> Digest {
    let mut events = Vec::new();
    let mut bytes = 0;
    let mut ended = false;
    let mut refused = false;
    while events.len() < commit::MAX_EVENTS && bytes < commit::TARGET_BYTES {
        let Some(said) = heard.pop_front() else { break };
        let first = turn.uncreated.is_some() && events.is_empty();
        let happened = match said {
            Said::Event(StreamResponse::Message(message)) if first => {
                return Digest::Answer(as_reply(task, message));
            }
            // The task is there already, so an agent's last word becomes its result.
            Said::Event(StreamResponse::Message(message))
                if matches!(heard.front(), Some(Said::Ended))
                    && !reduce::is_interrupted(&task.status.state) =>
            {
                vec![reduce::status(task, TaskState::Completed, Some(message), env)]
            }
            Said::Event(event) => {
                turn.last_was_message = matches!(event, StreamResponse::Message(_));
                happen(task, event, turn, env)
            }
            Said::Failed(error) if first => return Digest::Refuse(error),
            Said::Failed(_) if turn.cancelling => vec![],
            Said::Failed(error) => vec![failed(task, &error.message, env)],
            Said::CancelFailed(error) => {
                if matches!(error.code, error_code::TASK_NOT_CANCELABLE | error_code::UNSUPPORTED_OPERATION) {
                    turn.cancelling = false;
                    refused = true;
                }
                vec![]
            }
            Said::Panicked => vec![failed(task, "the agent failed unexpectedly", env)],
            Said::Ended => {
                ended = true;
                vec![]
            }
        };
        for event in happened {
            bytes += weight::of_event(&event);
            reduce::apply(task, &event);
            events.push(event);
            if task.status.state.is_terminal() {
                heard.clear();
                return Digest::Commit { events, ended: true, refused };
            }
        }
    }
    if ended && let Some(event) = conclusion(task, turn, env) {
        reduce::apply(task, &event);
        events.push(event);
    }
    Digest::Commit { events, ended, refused }
}

/// Makes the event that fails a task, with words for its caller.
pub(crate) fn failed(task: &Task, why: &str, env: &dyn Env) -> StreamResponse {
    ends(task, TaskState::Failed, why, env)
}

/// Makes the event that cancels a task.
pub(crate) fn canceled(task: &Task, why: &str, env: &dyn Env) -> StreamResponse {
    ends(task, TaskState::Canceled, why, env)
}

fn ends(task: &Task, state: TaskState, why: &str, env: &dyn Env) -> StreamResponse {
    let mut message = Message::new(Role::Agent, vec![Part::text(why)]);
    message.message_id = env.uuid().to_string();
    reduce::status(task, state, Some(message), env)
}

fn happen(task: &Task, event: StreamResponse, turn: &Turn, env: &dyn Env) -> Vec<StreamResponse> {
    if limits::depth_of_event(&event) > turn.depth {
        return vec![failed(task, "the agent's data is nested too deeply", env)];
    }
    match reduce::admit(task, event, env) {
        Ok(events) => events,
        Err(refusal) => {
            tracing::warn!(task_id = %task.id, %refusal, "an agent broke the protocol");
            vec![failed(task, "the agent gave an invalid response", env)]
        }
    }
}

/// What becomes of a task whose agent has fallen silent.
fn conclusion(task: &Task, turn: &Turn, env: &dyn Env) -> Option<StreamResponse> {
    let state = &task.status.state;
    if turn.cancelling {
        Some(canceled(task, "the task was canceled", env))
    } else if reduce::is_interrupted(state) {
        None
    } else if turn.last_was_message {
        Some(reduce::status(task, TaskState::Completed, None, env))
    } else {
        Some(failed(task, "the agent ended without finishing the task", env))
    }
}

/// A direct answer belongs to a context but to no task (specification, section 3.4.1).
fn as_reply(task: &Task, message: Message) -> Message {
    Message {
        context_id: Some(task.context_id.clone()),
        task_id: None,
        role: if message.role == Role::Unspecified { Role::Agent } else { message.role },
        ..message
    }
}
