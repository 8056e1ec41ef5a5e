//! Holds what clients saw of a task against its log: nothing missing, nothing twice, nothing made up, nothing in another
//! order, nothing after the end.

use std::ops::AddAssign;
use std::sync::Arc;

use a2a::{Artifact, Part, StreamResponse, Task, TaskState};
use a2a_core::{CommitRecord, reduce};
use chrono::{DateTime, Utc};

/// What a task's log says to streams.
#[derive(Debug)]
pub struct TaskLog {
    records: Vec<Arc<CommitRecord>>,
    task: Task,
    /// What makes each event itself, in their order.
    marks: Vec<Mark>,
    /// The task after so many events.
    shapes: Vec<Shape>,
}

/// The sum over some streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Findings {
    /// Events that were committed after a stream's first snapshot.
    pub committed: usize,
    /// Events that arrived.
    pub received: usize,
    /// Committed events that a stream neither carried nor covered by a later snapshot. One that ends without the
    /// task's end misses all the rest.
    pub missing: usize,
    /// Events that arrived although the client had them, and snapshots from before what it had. Whatever comes after
    /// the end is one of these, or strange.
    pub doubled: usize,
    /// Events that nobody committed, and snapshots of what the task never was.
    pub strange: usize,
    /// Snapshots that came after others on the same connection: the client was too slow for the log that is kept.
    pub restarted: usize,
}

impl Findings {
    /// Tells whether every stream was as it should be.
    pub fn is_right(&self) -> bool {
        self.missing == 0 && self.is_right_so_far()
    }

    /// Tells whether every stream was as it should be up to where it broke off.
    pub fn is_right_so_far(&self) -> bool {
        self.doubled + self.strange == 0
    }
}

impl AddAssign for Findings {
    fn add_assign(&mut self, other: Self) {
        self.committed += other.committed;
        self.received += other.received;
        self.missing += other.missing;
        self.doubled += other.doubled;
        self.strange += other.strange;
        self.restarted += other.restarted;
    }
}

impl TaskLog {
    /// Reads a task's whole log. `None` where it does not begin with the task as it was created.
    pub fn of(log: &[Arc<CommitRecord>]) -> Option<Self> {
        let mut events = log.iter().flat_map(|commit| &commit.events);
        let StreamResponse::Task(created) = events.next()? else { return None };
        let mut task = created.clone();
        let (mut marks, mut shapes) = (Vec::new(), vec![Shape::of(&task)]);
        for event in events {
            reduce::apply(&mut task, event);
            if let Some(mark) = Mark::of(event) {
                marks.push(mark);
                shapes.push(Shape::of(&task));
            }
        }
        Some(TaskLog { records: log.to_vec(), task, marks, shapes })
    }

    /// The task at the end of its log.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// How many events streams carry.
    pub fn events(&self) -> usize {
        self.marks.len()
    }

    /// How many events come before the first like this one, if it is of this task.
    pub fn place_of(&self, event: &StreamResponse) -> Option<usize> {
        self.find_event(event, 0)
    }

    /// Follows what one client saw until it had the task's end or gave up, connection by connection.
    pub fn audit<'a, Events>(&self, connections: impl IntoIterator<Item = Events>) -> Findings
    where
        Events: IntoIterator<Item = &'a StreamResponse>,
    {
        let mut findings = Findings::default();
        // How far the client is, in events; nowhere before its first snapshot.
        let mut place: Option<usize> = None;
        for events in connections {
            for (number, event) in events.into_iter().enumerate() {
                if let StreamResponse::Task(task) = event {
                    findings.restarted += usize::from(number > 0);
                    match self.find_snapshot(task, place.unwrap_or(0)) {
                        None => findings.strange += 1,
                        Some(at) if Some(at) < place => findings.doubled += 1,
                        Some(at) => {
                            findings.committed += place.map_or(self.events() - at, |_| 0);
                            place = Some(at);
                        }
                    }
                    continue;
                }
                findings.received += 1;
                let Some(next) = place else {
                    findings.strange += 1;
                    continue;
                };
                match self.find_event(event, next) {
                    None => findings.strange += 1,
                    Some(at) if at < next => findings.doubled += 1,
                    Some(at) => {
                        findings.missing += at - next;
                        place = Some(at + 1);
                    }
                }
            }
        }
        findings.missing += self.events() - place.unwrap_or(0);
        findings
    }

    fn find_event(&self, event: &StreamResponse, from: usize) -> Option<usize> {
        let mark = Mark::of(event)?;
        nearest(self.marks.len(), from).find(|at| self.marks[*at] == mark)
    }

    fn find_snapshot(&self, task: &Task, from: usize) -> Option<usize> {
        let shape = Shape::of(task);
        let mut alike = nearest(self.shapes.len(), from).filter(|at| self.shapes[*at] == shape);
        alike.find(|at| all_texts(&self.task_after(*at)) == all_texts(task))
    }

    fn task_after(&self, events: usize) -> Task {
        let mut all = self.records.iter().flat_map(|commit| &commit.events);
        let Some(StreamResponse::Task(created)) = all.next() else { return self.task.clone() };
        let mut task = created.clone();
        all.filter(|event| Mark::of(event).is_some()).take(events).for_each(|event| {
            reduce::apply(&mut task, event);
        });
        task
    }
}

/// All places: those from one on, and then those before it, the last first.
fn nearest(count: usize, from: usize) -> impl Iterator<Item = usize> {
    (from..count).chain((0..from.min(count)).rev())
}

/// What makes an event itself, whichever binding it came by.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mark {
    Status(TaskState, Option<DateTime<Utc>>),
    Artifact(String, Vec<String>),
}

impl Mark {
    fn of(event: &StreamResponse) -> Option<Self> {
        match event {
            StreamResponse::StatusUpdate(update) => {
                Some(Mark::Status(update.status.state.clone(), update.status.timestamp))
            }
            StreamResponse::ArtifactUpdate(update) => {
                Some(Mark::Artifact(update.artifact.artifact_id.clone(), texts(&update.artifact)))
            }
            StreamResponse::Task(_) | StreamResponse::Message(_) => None,
        }
    }
}

/// What tells most tasks apart, in little space.
#[derive(Debug, Clone, PartialEq)]
struct Shape {
    state: TaskState,
    at: Option<DateTime<Utc>>,
    /// The parts of each artifact.
    parts: Vec<usize>,
}

impl Shape {
    fn of(task: &Task) -> Self {
        let parts = task.artifacts.iter().flatten().map(|artifact| artifact.parts.len()).collect();
        Shape { state: task.status.state.clone(), at: task.status.timestamp, parts }
    }
}

/// What a client sees of a task's artifacts.
fn all_texts(task: &Task) -> Vec<(String, Vec<String>)> {
    let artifacts = task.artifacts.iter().flatten();
    artifacts.map(|artifact| (artifact.artifact_id.clone(), texts(artifact))).collect()
}

fn texts(artifact: &Artifact) -> Vec<String> {
    artifact.parts.iter().filter_map(Part::as_text).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
