//! What this crate's tests are made of: a task, a clock that does as it is told, and generators.

mod content;
mod events;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use a2a::{Artifact, Message, Part, Role, StreamResponse, Task, TaskState, TaskStatus};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{CommitId, CommitRecord, Env, Generation, InstanceId, Version};

pub(crate) use content::{artifact, chunk, json, message, metadata, text};
pub(crate) use events::{events, said, whole_task, workload, workloads};

/// The microseconds at which a [`Clock`] starts: not a whole millisecond.
pub(crate) const START: i64 = 1_700_000_000_000_123;

/// A clock that shows what it is told to, forwards or backwards, and draws ids in a row.
#[derive(Debug)]
pub(crate) struct Clock {
    micros: AtomicI64,
    drawn: AtomicU64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Clock { micros: AtomicI64::new(START), drawn: AtomicU64::new(0) }
    }

    pub(crate) fn advance(&self, micros: i64) {
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Env for Clock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.micros.load(Ordering::Relaxed)).unwrap()
    }

    fn uuid(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.drawn.fetch_add(1, Ordering::Relaxed)) + 1)
    }

    fn chance(&self) -> f64 {
        0.5
    }

    fn secret(&self) -> [u8; 32] {
        [u8::try_from(self.drawn.fetch_add(1, Ordering::Relaxed) % 256).unwrap(); 32]
    }
}

/// A task without content, dated at a whole millisecond before the clock's start.
pub(crate) fn task(state: TaskState) -> Task {
    let timestamp = DateTime::from_timestamp_millis(START / 1000 - 1);
    Task {
        id: "task".into(),
        context_id: "context".into(),
        status: TaskStatus { state, message: None, timestamp },
        artifacts: None,
        history: None,
        metadata: None,
    }
}

/// A message of the agent with an id and a text, in the form that a log keeps.
pub(crate) fn says(id: &str, text: &str) -> Message {
    Message {
        message_id: id.into(),
        task_id: Some("task".into()),
        context_id: Some("context".into()),
        ..Message::new(Role::Agent, vec![Part::text(text)])
    }
}

/// An artifact of one text part.
pub(crate) fn document(id: &str, text: &str) -> Artifact {
    Artifact {
        artifact_id: id.into(),
        name: None,
        description: None,
        parts: vec![Part::text(text)],
        metadata: None,
        extensions: None,
    }
}

/// A log entry.
pub(crate) fn record(version: u64, events: Vec<StreamResponse>) -> CommitRecord {
    let id = CommitId::from_uuid(Uuid::from_u128(version.into()));
    CommitRecord { version: Version::new(version), generation: Generation::new(version), id, events }
}

/// An instance that differs from that of every other number.
pub(crate) fn instance(number: u128) -> InstanceId {
    InstanceId::from_uuid(Uuid::from_u128(number))
}
