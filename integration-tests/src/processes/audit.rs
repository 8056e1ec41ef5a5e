//! What the log of a task says that the node's built-in agent ran: what streams must carry, and which chunks, when.

use std::sync::Arc;

use a2a::{StreamResponse, TaskState};
use a2a_core::CommitRecord;
use a2a_testkit::{Findings, TaskLog};
use chrono::{DateTime, Utc};

use super::listener::Recording;

/// The log of a task of the built-in agent.
#[derive(Debug)]
pub struct ChunkLog {
    log: TaskLog,
    /// When what each event tells of happened, where it says so.
    times: Vec<DateTime<Utc>>,
    chunks: Vec<u32>,
}

impl ChunkLog {
    /// Reads a task's whole log. `None` where it does not begin with the task as it was created.
    pub fn of(records: &[Arc<CommitRecord>]) -> Option<Self> {
        let log = TaskLog::of(records)?;
        let events = records.iter().flat_map(|commit| &commit.events).skip(1);
        let chunks = log.task().artifacts.iter().flatten().flat_map(|artifact| &artifact.parts);
        let chunks = chunks.filter_map(|part| Some(chunk(part.as_text()?)?.0)).collect();
        Some(ChunkLog { times: events.filter_map(happened).collect(), chunks, log })
    }

    /// The state of the task at the end of its log.
    pub fn state(&self) -> &TaskState {
        &self.log.task().status.state
    }

    /// How many events streams carry.
    pub fn events(&self) -> usize {
        self.log.events()
    }

    /// The numbers of the agent's chunks, as they stand in the task.
    pub fn chunks(&self) -> &[u32] {
        &self.chunks
    }

    /// When the first thing happened to the task after a moment.
    pub fn moved_after(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.times.iter().copied().find(|time| *time > moment)
    }

    /// How many events come before this one, if it is of this task.
    pub fn place_of(&self, event: &StreamResponse) -> Option<usize> {
        self.log.place_of(event)
    }

    /// Follows what a client saw, connection by connection.
    pub fn audit(&self, recording: &Recording) -> Findings {
        self.log.audit(recording.hops.iter().map(|hop| hop.events.iter().map(|heard| &heard.event)))
    }
}

/// When what an event tells of happened: an agent's chunk says when it was made, and a status has its time.
pub fn happened(event: &StreamResponse) -> Option<DateTime<Utc>> {
    match event {
        StreamResponse::StatusUpdate(update) => update.status.timestamp,
        StreamResponse::ArtifactUpdate(update) => {
            update.artifact.parts.iter().find_map(|part| Some(chunk(part.as_text()?)?.1))
        }
        StreamResponse::Task(_) | StreamResponse::Message(_) => None,
    }
}

/// Reads the number of one of the built-in agent's chunks, and when the agent made it.
pub fn chunk(text: &str) -> Option<(u32, DateTime<Utc>)> {
    let (number, rest) = text.split_once('|')?;
    let nanos = rest.split('|').next()?;
    Some((number.parse().ok()?, DateTime::from_timestamp_nanos(nanos.parse().ok()?)))
}
