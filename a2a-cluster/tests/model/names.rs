//! Names of instances, ids without chance, and what agents say, so that it can be found again in the log.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use a2a::{
    Artifact, Message, Part, PartContent, Role, StreamResponse, Task, TaskArtifactUpdateEvent, TaskState,
    TaskStatus, TaskStatusUpdateEvent,
};
use a2a_core::{CommitId, Env, InstanceId};
use chrono::{DateTime, Utc};
use uuid::Uuid;

const FIRST: u128 = 0xA000;

/// The instance that the node of this number is.
pub(crate) fn instance(node: usize) -> InstanceId {
    InstanceId::from_uuid(Uuid::from_u128(FIRST + node as u128))
}

/// The number of a node.
pub(crate) fn node_of(id: InstanceId) -> usize {
    (id.uuid().as_u128() - FIRST) as usize
}

/// The node that drew a commit's id.
pub(crate) fn author(id: CommitId) -> usize {
    (id.uuid().as_u128() >> 64) as usize - 1
}

/// Draws ids in a row, and shows one time.
#[derive(Debug)]
pub(crate) struct Ids {
    node: usize,
    next: AtomicU64,
}

impl Ids {
    pub(crate) fn new(node: usize, next: u64) -> Self {
        Ids { node, next: AtomicU64::new(next) }
    }

    pub(crate) fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }
}

impl Env for Ids {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    fn uuid(&self) -> Uuid {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        Uuid::from_u128(((self.node as u128 + 1) << 64) | u128::from(next))
    }

    fn chance(&self) -> f64 {
        0.5
    }

    fn secret(&self) -> [u8; 32] {
        [7; 32]
    }
}

/// One thing that one agent said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Tag {
    pub(crate) node: u8,
    /// The life of its actor, and its name there.
    pub(crate) agent: u32,
    pub(crate) number: u32,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "said-{}-{}-{}", self.node, self.agent, self.number)
    }
}

impl Tag {
    fn parse(text: &str) -> Option<Tag> {
        let mut numbers = text.strip_prefix("said-")?.split('-');
        let node = numbers.next()?.parse().ok()?;
        let agent = numbers.next()?.parse().ok()?;
        let number = numbers.next()?.parse().ok()?;
        Some(Tag { node, agent, number })
    }

    /// Finds what an event says, if an agent said it.
    pub(crate) fn of(event: &StreamResponse) -> Option<Tag> {
        match event {
            StreamResponse::ArtifactUpdate(update) => Tag::parse(&update.artifact.artifact_id),
            StreamResponse::StatusUpdate(update) => {
                update.status.message.as_ref().and_then(text_of).and_then(Tag::parse)
            }
            _ => None,
        }
    }

    /// A piece of the result.
    pub(crate) fn progress(self) -> StreamResponse {
        StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
            task_id: String::new(),
            context_id: String::new(),
            artifact: Artifact {
                artifact_id: self.to_string(),
                name: None,
                description: None,
                parts: vec![Part::text("x")],
                metadata: None,
                extensions: None,
            },
            append: None,
            last_chunk: None,
            metadata: None,
        })
    }

    /// A new state, with words.
    pub(crate) fn status(self, state: TaskState) -> StreamResponse {
        let mut message = Message::new(Role::Agent, vec![Part::text(self.to_string())]);
        message.message_id = self.to_string();
        StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: String::new(),
            context_id: String::new(),
            status: TaskStatus { state, message: Some(message), timestamp: None },
            metadata: None,
        })
    }
}

/// The words of a message.
pub(crate) fn text_of(message: &Message) -> Option<&str> {
    match message.parts.first().map(|part| &part.content) {
        Some(PartContent::Text(text)) => Some(text),
        _ => None,
    }
}

/// A caller's message.
pub(crate) fn message(text: &str) -> Message {
    let mut message = Message::new(Role::User, vec![Part::text(text)]);
    message.message_id = text.to_owned();
    message
}

/// The task as its first message makes it.
pub(crate) fn new_task() -> Task {
    Task {
        id: "task".to_owned(),
        context_id: "context".to_owned(),
        status: TaskStatus { state: TaskState::Submitted, message: None, timestamp: None },
        artifacts: None,
        history: Some(vec![message("first")]),
        metadata: None,
    }
}
