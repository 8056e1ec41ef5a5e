//! Logs of tasks, for this module's tests.

use std::sync::Arc;

use a2a::{
    Artifact, Part, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState, TaskStatus,
    TaskStatusUpdateEvent,
};
use a2a_core::{CommitId, CommitRecord, Generation, SystemEnv, Version, reduce};

pub(super) fn task() -> Task {
    Task {
        id: "t".into(),
        context_id: "c".into(),
        status: TaskStatus { state: TaskState::Submitted, message: None, timestamp: None },
        artifacts: None,
        history: None,
        metadata: None,
    }
}

pub(super) fn chunk(artifact: &str, text: &str, append: bool, last: bool) -> StreamResponse {
    let artifact = Artifact {
        artifact_id: artifact.into(),
        name: None,
        description: None,
        parts: vec![Part::text(text)],
        metadata: None,
        extensions: None,
    };
    StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
        task_id: "t".into(),
        context_id: "c".into(),
        artifact,
        append: append.then_some(true),
        last_chunk: last.then_some(true),
        metadata: None,
    })
}

pub(super) fn status(state: TaskState) -> StreamResponse {
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
        task_id: "t".into(),
        context_id: "c".into(),
        status: TaskStatus { state, message: None, timestamp: None },
        metadata: None,
    })
}

/// A log of these commits.
pub(super) fn log(commits: Vec<Vec<StreamResponse>>) -> Vec<Arc<CommitRecord>> {
    let mut generation = Generation::NONE;
    let records = commits.into_iter().enumerate().map(|(at, events)| {
        let streamed = events.iter().filter(|event| reduce::is_streamed(event)).count();
        generation = generation.advanced(streamed);
        let version = Version::new(at as u64 + 1);
        Arc::new(CommitRecord { version, generation, id: CommitId::generate(&SystemEnv), events })
    });
    records.collect()
}

/// A log of a task that ends, drawn by chance.
pub(super) fn drawn(seed: u64) -> Vec<Arc<CommitRecord>> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut begun = Vec::new();
    let mut commits = vec![vec![StreamResponse::Task(task())]];
    for at in 0..60 {
        let mut events = Vec::new();
        for _ in 0..rng.usize(1..4) {
            events.push(match rng.u8(0..10) {
                0 => status(TaskState::Working),
                1 => {
                    StreamResponse::Message(a2a::Message::new(a2a::Role::User, vec![Part::text("not shown")]))
                }
                _ => {
                    let artifact = ["a", "b"][usize::from(rng.u8(0..8) == 0)];
                    let append = begun.contains(&artifact) && rng.u8(0..12) > 0;
                    begun.push(artifact);
                    chunk(artifact, &at.to_string(), append, rng.u8(0..9) == 0)
                }
            });
        }
        commits.push(events);
    }
    commits.push(vec![status(TaskState::Completed)]);
    log(commits)
}
