//! Tasks and events in the few shapes that tests need.

use std::sync::OnceLock;

use a2a::{
    Artifact, Message, Part, Role, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState, TaskStatus,
    TaskStatusUpdateEvent,
};
use a2a_core::{ClaimChange, CommitId, Env, InstanceId, SystemEnv};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// Returns a time: `millis` after a moment that is the same in the whole process, and not long ago.
pub fn at(millis: i64) -> DateTime<Utc> {
    static ORIGIN: OnceLock<DateTime<Utc>> = OnceLock::new();
    let origin = ORIGIN.get_or_init(|| {
        let now = SystemEnv.now() - TimeDelta::minutes(5);
        now.duration_trunc(TimeDelta::milliseconds(1)).expect("a date of this age")
    });
    *origin + TimeDelta::milliseconds(millis)
}

/// Draws the id of a new instance.
pub fn instance() -> InstanceId {
    InstanceId::generate(&SystemEnv)
}

/// Draws the id of a new commit.
pub fn commit_id() -> CommitId {
    CommitId::generate(&SystemEnv)
}

/// Makes the change by which a commit claims a task for an instance, whose first attempt it is.
pub fn claim(instance: InstanceId) -> ClaimChange {
    ClaimChange::Make { instance, attempt: 1 }
}

/// Makes a task in this state since `since`, without history and artifacts.
pub fn task(id: &str, context: &str, state: TaskState, since: DateTime<Utc>) -> Task {
    Task {
        id: id.into(),
        context_id: context.into(),
        status: TaskStatus { state, message: None, timestamp: Some(since) },
        artifacts: None,
        history: None,
        metadata: None,
    }
}

/// Makes the event that sets a state.
pub fn status(task: &Task, state: TaskState, since: DateTime<Utc>) -> StreamResponse {
    update(task, TaskStatus { state, message: None, timestamp: Some(since) })
}

/// Makes the event that sets a state with a message of these parts.
pub fn status_saying(
    task: &Task,
    state: TaskState,
    since: DateTime<Utc>,
    id: &str,
    parts: Vec<Part>,
) -> StreamResponse {
    let message = Some(words(task, Role::Agent, id, parts));
    update(task, TaskStatus { state, message, timestamp: Some(since) })
}

/// Makes the event by which a caller's message joins the history.
pub fn message(task: &Task, id: &str, parts: Vec<Part>) -> StreamResponse {
    StreamResponse::Message(words(task, Role::User, id, parts))
}

/// Makes the event that replaces an artifact, or appends to it.
pub fn chunk(task: &Task, artifact: &str, parts: Vec<Part>, append: bool) -> StreamResponse {
    StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
        task_id: task.id.clone(),
        context_id: task.context_id.clone(),
        artifact: Artifact {
            artifact_id: artifact.into(),
            name: None,
            description: None,
            parts,
            metadata: None,
            extensions: None,
        },
        append: append.then_some(true),
        last_chunk: None,
        metadata: None,
    })
}

fn update(task: &Task, status: TaskStatus) -> StreamResponse {
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
        task_id: task.id.clone(),
        context_id: task.context_id.clone(),
        status,
        metadata: None,
    })
}

fn words(task: &Task, role: Role, id: &str, parts: Vec<Part>) -> Message {
    Message {
        message_id: id.into(),
        context_id: Some(task.context_id.clone()),
        task_id: Some(task.id.clone()),
        role,
        parts,
        metadata: None,
        extensions: None,
        reference_task_ids: None,
    }
}
