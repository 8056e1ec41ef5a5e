//! Generators of what agents say, and of the logs that come of it.

use a2a::{
    Role, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState, TaskStatus, TaskStatusUpdateEvent,
};
use chrono::DateTime;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Clock, START, artifact, message, metadata, task};
use crate::reduce;

/// What an agent said, and how far the clock moved before, in microseconds.
pub(crate) type Said = (i64, StreamResponse);

/// A log and the task that it makes.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    /// All events, the first of which is the new task.
    pub(crate) events: Vec<StreamResponse>,
    /// The task at the end.
    pub(crate) task: Task,
}

/// Any single thing that an agent may say; now and then one that is refused.
pub(crate) fn said() -> BoxedStrategy<Said> {
    let clock = prop_oneof![0..3_000_i64, -2_000_000..2_000_000_i64];
    let event = prop_oneof![
        3 => status_update(),
        4 => artifact_update(),
        2 => message().prop_map(StreamResponse::Message),
        1 => whole_task().prop_map(StreamResponse::Task),
    ];
    (clock, event).boxed()
}

/// What an agent says over some time.
pub(crate) fn events() -> impl Strategy<Value = Vec<Said>> {
    vec(said(), 0..12)
}

/// Logs of what agents said.
pub(crate) fn workloads() -> impl Strategy<Value = Workload> {
    (option::of(message()), events()).prop_map(|(first, events)| {
        let clock = Clock::new();
        let mut start = task(TaskState::Submitted);
        start.history = first.map(|message| vec![reduce::user_message(&start, message)]);
        workload(start, events, &clock)
    })
}

/// Admits and applies what an agent says, from a new task on. What is refused does not happen.
pub(crate) fn workload(start: Task, said: Vec<Said>, clock: &Clock) -> Workload {
    let mut task = start.clone();
    let mut events = vec![StreamResponse::Task(start)];
    for (moved, event) in said {
        clock.advance(moved);
        for event in reduce::admit(&task, event, clock).unwrap_or_default() {
            reduce::apply(&mut task, &event);
            events.push(event);
        }
    }
    Workload { events, task }
}

fn id_of(right: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![20 => Just(""), 20 => Just(right), 1 => Just("other")].prop_map(str::to_owned)
}

fn state() -> impl Strategy<Value = TaskState> {
    let open = [TaskState::Submitted, TaskState::Working, TaskState::InputRequired, TaskState::AuthRequired];
    let ended = [TaskState::Completed, TaskState::Failed, TaskState::Canceled, TaskState::Rejected];
    prop_oneof![20 => select(open.to_vec()), 1 => select(ended.to_vec()), 1 => Just(TaskState::Unspecified)]
}

fn status() -> BoxedStrategy<TaskStatus> {
    let claimed = option::of((-START..2 * START).prop_map(|at| DateTime::from_timestamp_micros(at).unwrap()));
    (state(), option::of(message()), claimed)
        .prop_map(|(state, message, timestamp)| TaskStatus { state, message, timestamp })
        .boxed()
}

fn status_update() -> BoxedStrategy<StreamResponse> {
    (id_of("task"), id_of("context"), status(), metadata())
        .prop_map(|(task_id, context_id, status, metadata)| {
            StreamResponse::StatusUpdate(TaskStatusUpdateEvent { task_id, context_id, status, metadata })
        })
        .boxed()
}

fn artifact_update() -> BoxedStrategy<StreamResponse> {
    let flag = || option::of(any::<bool>());
    (id_of("task"), id_of("context"), artifact(), flag(), flag(), metadata())
        .prop_map(|(task_id, context_id, artifact, append, last_chunk, metadata)| {
            StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
                task_id,
                context_id,
                artifact,
                append,
                last_chunk,
                metadata,
            })
        })
        .boxed()
}

/// A task as an agent may show it: each artifact once, each message with an id and once.
pub(crate) fn whole_task() -> BoxedStrategy<Task> {
    let artifacts = option::of(vec(artifact(), 0..3));
    let history = option::of(vec(message(), 0..4));
    (status(), artifacts, history, metadata())
        .prop_map(|(status, artifacts, history, metadata)| {
            let mut whole = Task { status, artifacts, history, metadata, ..task(TaskState::Working) };
            let mut seen = Vec::new();
            let mut is_new = |id: &str| {
                let is_new = !seen.iter().any(|known| known == id);
                seen.push(id.to_owned());
                is_new
            };
            whole.artifacts.iter_mut().for_each(|all| all.retain(|one| is_new(&one.artifact_id)));
            whole.history.iter_mut().for_each(|all| all.retain(|one| is_new(&one.message_id)));
            let messages = whole.history.iter_mut().flatten().chain(&mut whole.status.message);
            for message in messages.filter(|message| message.message_id.is_empty()) {
                message.message_id = "named".to_owned();
                message.role = Role::Agent;
            }
            whole
        })
        .boxed()
}
