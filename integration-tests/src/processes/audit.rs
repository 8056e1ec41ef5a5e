//! Holds what clients saw against what was committed: nothing missing, nothing twice, nothing made up.

use std::collections::HashMap;
use std::ops::AddAssign;
use std::sync::Arc;

use a2a::{Artifact, Part, StreamResponse, Task, TaskState};
use a2a_core::{CommitRecord, reduce};
use chrono::{DateTime, Utc};

use super::listener::Recording;

/// What a task's log says to streams.
#[derive(Debug)]
pub struct Script {
    /// What makes each event itself, by its place.
    places: HashMap<Mark, usize>,
    /// The task after so many events.
    shapes: Vec<Shape>,
    /// When what each event tells of happened, where it says so.
    times: Vec<DateTime<Utc>>,
    state: TaskState,
    chunks: Vec<u32>,
}

/// The sum over some streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Events that were committed after a stream's first snapshot.
    pub committed: usize,
    /// Events that arrived.
    pub received: usize,
    /// Committed events that a stream neither carried nor covered by a later snapshot. One that ends without the
    /// task's end misses all the rest.
    pub missing: usize,
    /// Events that arrived although the client had them, and snapshots from before what it had.
    pub doubled: usize,
    /// Events that nobody committed, and snapshots of what the task never was.
    pub strange: usize,
}

impl Count {
    /// Tells whether every stream was as it should be.
    pub fn is_right(&self) -> bool {
        self.missing + self.doubled + self.strange == 0
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.committed += other.committed;
        self.received += other.received;
        self.missing += other.missing;
        self.doubled += other.doubled;
        self.strange += other.strange;
    }
}

impl Script {
    /// Reads a task's whole log. `None` where it does not begin with the task as it was created.
    pub fn of(log: &[Arc<CommitRecord>]) -> Option<Self> {
        let mut events = log.iter().flat_map(|commit| &commit.events);
        let StreamResponse::Task(created) = events.next()? else { return None };
        let mut task = created.clone();
        let (mut places, mut shapes, mut times) = (HashMap::new(), vec![Shape::of(&task)], Vec::new());
        for event in events {
            reduce::apply(&mut task, event);
            times.extend(happened(event));
            if let Some(mark) = Mark::of(event) {
                places.insert(mark, shapes.len() - 1);
                shapes.push(Shape::of(&task));
            }
        }
        let chunks = task.artifacts.iter().flatten().flat_map(|artifact| &artifact.parts);
        let chunks = chunks.filter_map(|part| Some(chunk(part.as_text()?)?.0)).collect();
        Some(Script { places, shapes, times, state: task.status.state, chunks })
    }

    /// The state of the task at the end of its log.
    pub fn state(&self) -> &TaskState {
        &self.state
    }

    /// How many events streams carry.
    pub fn events(&self) -> usize {
        self.shapes.len() - 1
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
        self.places.get(&Mark::of(event)?).copied()
    }

    /// Follows what a client saw, connection by connection.
    pub fn count(&self, recording: &Recording) -> Count {
        let mut count = Count::default();
        // How far the client is, in events; nowhere before its first snapshot.
        let mut place: Option<usize> = None;
        for heard in recording.hops.iter().flat_map(|hop| &hop.events) {
            match &heard.event {
                StreamResponse::Task(task) => match self.find(&Shape::of(task), place.unwrap_or(0)) {
                    None => count.strange += 1,
                    Some(at) if Some(at) < place => count.doubled += 1,
                    Some(at) => {
                        count.committed += place.map_or(self.events() - at, |_| 0);
                        place = Some(at);
                    }
                },
                event => {
                    count.received += 1;
                    match (self.place_of(event), place) {
                        (None, _) | (_, None) => count.strange += 1,
                        (Some(at), Some(next)) if at < next => count.doubled += 1,
                        (Some(at), Some(next)) => {
                            count.missing += at - next;
                            place = Some(at + 1);
                        }
                    }
                }
            }
        }
        count.missing += self.events() - place.unwrap_or(0);
        count
    }

    /// Finds after how many events the task looked so, at or after a place, or else before it.
    fn find(&self, shape: &Shape, from: usize) -> Option<usize> {
        let (before, after) = self.shapes.split_at_checked(from)?;
        let later = after.iter().position(|one| one == shape).map(|at| from + at);
        later.or_else(|| before.iter().rposition(|one| one == shape))
    }
}

/// What makes an event itself, whichever binding it came by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Mark {
    Status(String, Option<DateTime<Utc>>),
    Artifact(String, Vec<String>),
}

impl Mark {
    fn of(event: &StreamResponse) -> Option<Self> {
        match event {
            StreamResponse::StatusUpdate(update) => {
                Some(Mark::Status(format!("{:?}", update.status.state), update.status.timestamp))
            }
            StreamResponse::ArtifactUpdate(update) => {
                Some(Mark::Artifact(update.artifact.artifact_id.clone(), texts(&update.artifact)))
            }
            StreamResponse::Task(_) | StreamResponse::Message(_) => None,
        }
    }
}

/// What a client sees of a task, but for its history.
#[derive(Debug, Clone, PartialEq)]
struct Shape {
    state: TaskState,
    at: Option<DateTime<Utc>>,
    artifacts: Vec<(String, Vec<String>)>,
}

impl Shape {
    fn of(task: &Task) -> Self {
        let artifacts = task.artifacts.iter().flatten();
        let artifacts = artifacts.map(|artifact| (artifact.artifact_id.clone(), texts(artifact))).collect();
        Shape { state: task.status.state.clone(), at: task.status.timestamp, artifacts }
    }
}

fn texts(artifact: &Artifact) -> Vec<String> {
    artifact.parts.iter().filter_map(Part::as_text).map(str::to_owned).collect()
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

#[cfg(test)]
mod tests;
