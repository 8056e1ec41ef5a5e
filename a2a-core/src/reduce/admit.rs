//! From what an agent says to events fit for a log: ids checked, gaps filled, timestamps assigned.

use std::collections::HashSet;

use a2a::{
    Artifact, Message, Role, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState, TaskStatus,
    TaskStatusUpdateEvent,
};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use thiserror::Error;

use super::{artifacts, has_metadata, normal};
use crate::Env;

/// Why an agent's event cannot happen to its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The event names another task.
    #[error("the agent's event names another task")]
    OtherTask,
    /// The event names another context.
    #[error("the agent's event names another context")]
    OtherContext,
    /// A status without a state.
    #[error("the agent's status has no state")]
    NoState,
    /// An artifact without an id.
    #[error("the agent's artifact has no id")]
    NoArtifactId,
}

/// Turns an agent's event into the events to log, for the task as it is now.
///
/// - Empty ids are filled in; wrong ones are refused.
/// - Status times are assigned here (UTC, whole milliseconds) and never go back.
/// - The first chunk of an artifact creates it, also where the agent asked to append.
/// - A message becomes a status message: a stream of a task carries no bare messages
///   (specification, section 3.1.2).
/// - A whole task becomes the updates that lead to it, for the same reason. Nothing is taken away, and what
///   the task has already is not repeated. A state that it does not give stays as it is.
/// - Optional fields that are empty are left out: neither JSON nor protobuf keeps them.
/// - Nothing happens to a task that has ended.
///
/// # Errors
///
/// A [`Refusal`] for what the specification does not allow: the agent's mistake.
pub fn admit(task: &Task, event: StreamResponse, env: &dyn Env) -> Result<Vec<StreamResponse>, Refusal> {
    if task.status.state.is_terminal() {
        return Ok(Vec::new());
    }
    match event {
        StreamResponse::StatusUpdate(update) => {
            check_ids(task, &update.task_id, &update.context_id)?;
            let update = TaskStatusUpdateEvent {
                status: dated(task, update.status, env)?,
                task_id: filled(update.task_id, &task.id),
                context_id: filled(update.context_id, &task.context_id),
                metadata: normal::metadata(update.metadata),
            };
            Ok(vec![StreamResponse::StatusUpdate(update)])
        }
        StreamResponse::ArtifactUpdate(update) => {
            check_ids(task, &update.task_id, &update.context_id)?;
            Ok(vec![artifact_update(task, update)?])
        }
        StreamResponse::Message(message) => {
            let state = match task.status.state {
                TaskState::Submitted | TaskState::Unspecified => TaskState::Working,
                ref state => state.clone(),
            };
            Ok(vec![status(task, state, Some(message), env)])
        }
        StreamResponse::Task(whole) => differences(task, whole, env),
    }
}

/// Makes the status event that sets `state`, dated now.
pub fn status(task: &Task, state: TaskState, message: Option<Message>, env: &dyn Env) -> StreamResponse {
    let message = message.map(|message| agent_message(task, message, env));
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
        task_id: task.id.clone(),
        context_id: task.context_id.clone(),
        status: TaskStatus { state, message, timestamp: Some(next_timestamp(task, env)) },
        metadata: None,
    })
}

/// Makes the log's form of a caller's message: its task, its context and a missing role are filled in, and
/// empty optional fields are left out.
pub fn user_message(task: &Task, message: Message) -> Message {
    addressed(task, message, Role::User)
}

fn check_ids(task: &Task, task_id: &str, context_id: &str) -> Result<(), Refusal> {
    if !task_id.is_empty() && task_id != task.id {
        return Err(Refusal::OtherTask);
    }
    if !context_id.is_empty() && context_id != task.context_id {
        return Err(Refusal::OtherContext);
    }
    Ok(())
}

/// Keeps an id that has been checked, and fills in one that is missing.
fn filled(id: String, right: &str) -> String {
    if id.is_empty() { right.to_owned() } else { id }
}

fn dated(task: &Task, status: TaskStatus, env: &dyn Env) -> Result<TaskStatus, Refusal> {
    if status.state == TaskState::Unspecified {
        return Err(Refusal::NoState);
    }
    Ok(TaskStatus {
        message: status.message.map(|message| agent_message(task, message, env)),
        timestamp: Some(next_timestamp(task, env)),
        ..status
    })
}

/// Returns the time of a status that is set now: never before the task's current one.
pub fn next_timestamp(task: &Task, env: &dyn Env) -> DateTime<Utc> {
    let now = env.now();
    // Truncation fails only for dates that no clock shows; the finer time is right as well.
    let now = now.duration_trunc(TimeDelta::milliseconds(1)).unwrap_or(now);
    task.status.timestamp.map_or(now, |before| before.max(now))
}

fn agent_message(task: &Task, message: Message, env: &dyn Env) -> Message {
    let mut message = addressed(task, message, Role::Agent);
    if message.message_id.is_empty() {
        message.message_id = env.uuid().to_string();
    }
    message
}

fn addressed(task: &Task, message: Message, sender: Role) -> Message {
    Message {
        task_id: Some(task.id.clone()),
        context_id: Some(task.context_id.clone()),
        role: if message.role == Role::Unspecified { sender } else { message.role.clone() },
        ..normal::message(message)
    }
}

fn artifact_update(task: &Task, update: TaskArtifactUpdateEvent) -> Result<StreamResponse, Refusal> {
    let artifact = normal::artifact(update.artifact);
    if artifact.artifact_id.is_empty() {
        return Err(Refusal::NoArtifactId);
    }
    let extends = update.append == Some(true) && artifacts::find(task, &artifact.artifact_id).is_some();
    Ok(StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
        task_id: filled(update.task_id, &task.id),
        context_id: filled(update.context_id, &task.context_id),
        artifact,
        append: extends.then_some(true),
        last_chunk: update.last_chunk.filter(|is_last| *is_last),
        metadata: normal::metadata(update.metadata),
    }))
}

fn differences(task: &Task, whole: Task, env: &dyn Env) -> Result<Vec<StreamResponse>, Refusal> {
    check_ids(task, &whole.id, &whole.context_id)?;
    let mut events = Vec::new();
    // While the agent works on, an artifact may grow: only the end of the task says that it does not.
    let is_last = whole.status.state.is_terminal().then_some(true);

    let status_message = task.status.message.iter();
    let known: HashSet<&str> =
        task.history.iter().flatten().chain(status_message).map(|m| m.message_id.as_str()).collect();
    for message in whole.history.into_iter().flatten() {
        if !known.contains(message.message_id.as_str()) {
            events.push(StreamResponse::Message(agent_message(task, message, env)));
        }
    }

    for artifact in whole.artifacts.into_iter().flatten().map(normal::artifact) {
        let known = artifacts::find(task, &artifact.artifact_id);
        if known != Some(&artifact) {
            let update = match known {
                Some(known) if has_grown(known, &artifact) => growth(known, artifact),
                _ => replacement(artifact),
            };
            events.push(artifact_update(task, TaskArtifactUpdateEvent { last_chunk: is_last, ..update })?);
        }
    }

    let metadata = normal::metadata(whole.metadata).filter(|metadata| !has_metadata(task, metadata));
    let message = whole.status.message.map(|message| agent_message(task, message, env));
    let state = match whole.status.state {
        // It says nothing about the status.
        TaskState::Unspecified if message.is_none() => None,
        TaskState::Unspecified => Some(task.status.state.clone()),
        state => Some(state),
    };
    let status = state
        .map(|state| TaskStatus { state, message, timestamp: None })
        .filter(|status| status.state != task.status.state || status.message != task.status.message);
    if status.is_some() || metadata.is_some() {
        let status = status.unwrap_or_else(|| task.status.clone());
        events.push(StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            status: TaskStatus { timestamp: Some(next_timestamp(task, env)), ..status },
            task_id: task.id.clone(),
            context_id: task.context_id.clone(),
            metadata,
        }));
    }
    Ok(events)
}

/// Tells whether an artifact only has more parts than before: then these are all that is worth a log entry, or
/// an agent that shows its whole task at each chunk would write the square of what it makes.
fn has_grown(known: &Artifact, artifact: &Artifact) -> bool {
    artifact.parts.len() > known.parts.len()
        && artifact.parts.starts_with(&known.parts)
        && artifact.metadata == known.metadata
        && artifact.extensions == known.extensions
        && (&artifact.name, &artifact.description) == (&known.name, &known.description)
}

fn growth(known: &Artifact, mut artifact: Artifact) -> TaskArtifactUpdateEvent {
    artifact.parts.drain(..known.parts.len());
    artifact.metadata = None;
    artifact.extensions = None;
    artifact.name = None;
    artifact.description = None;
    TaskArtifactUpdateEvent { append: Some(true), ..replacement(artifact) }
}

fn replacement(artifact: Artifact) -> TaskArtifactUpdateEvent {
    TaskArtifactUpdateEvent {
        task_id: String::new(),
        context_id: String::new(),
        artifact,
        append: None,
        last_chunk: None,
        metadata: None,
    }
}
