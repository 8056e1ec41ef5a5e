//! Counts what a stream missed, got twice or got late, against the log of its task.

use std::collections::{HashMap, VecDeque};

use a2a::{Part, StreamResponse, Task};
use a2a_core::reduce;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// What one stream should have carried, and what it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Events in the task's log after the snapshot that the stream began with.
    pub(crate) committed: usize,
    /// Events that arrived after the snapshot.
    pub(crate) received: usize,
    /// Committed events that never arrived; the snapshot itself, when the stream did not begin with a true one.
    pub(crate) missing: usize,
    /// Events that arrived again, or that nobody committed after the snapshot.
    pub(crate) duplicated: usize,
    /// Events that arrived after one that was committed later.
    pub(crate) out_of_order: usize,
}

impl Counts {
    /// Compares the events of one stream, the snapshot first, with all events that its task's log holds for streams.
    pub(crate) fn of(log: &[StreamResponse], stream: &[StreamResponse]) -> Self {
        let (start, heard) = match stream {
            [StreamResponse::Task(snapshot), heard @ ..] => (place_in_log(log, snapshot), heard),
            heard => (None, heard),
        };
        // A log begins with the task as it was created, which a stream never carries but as a snapshot.
        let after = log.get(start.unwrap_or(1)..).unwrap_or_default();
        let mut counts = Self::compare(&marks(after), &marks(heard));
        counts.missing += usize::from(start.is_none());
        counts
    }

    /// Tells whether every committed event arrived once, in order.
    pub(crate) fn is_perfect(&self) -> bool {
        self.received == self.committed && self.missing + self.duplicated + self.out_of_order == 0
    }

    fn compare(committed: &[Mark], received: &[Mark]) -> Self {
        let mut places: HashMap<&Mark, VecDeque<usize>> = HashMap::new();
        for (place, mark) in committed.iter().enumerate() {
            places.entry(mark).or_default().push_back(place);
        }
        let (mut duplicated, mut out_of_order, mut latest) = (0, 0, None);
        for mark in received {
            match places.get_mut(mark).and_then(VecDeque::pop_front) {
                None => duplicated += 1,
                Some(place) if Some(place) < latest => out_of_order += 1,
                Some(place) => latest = Some(place),
            }
        }
        let missing = places.values().map(VecDeque::len).sum();
        Self { committed: committed.len(), received: received.len(), missing, duplicated, out_of_order }
    }
}

/// What makes an event of a log itself, whichever transport it travelled by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Mark {
    Status { state: String, at: Option<DateTime<Utc>> },
    Artifact { id: String, texts: Vec<String> },
    NotAnUpdate,
}

fn marks(events: &[StreamResponse]) -> Vec<Mark> {
    events.iter().map(mark).collect()
}

fn mark(event: &StreamResponse) -> Mark {
    match event {
        StreamResponse::StatusUpdate(update) => {
            Mark::Status { state: format!("{:?}", update.status.state), at: update.status.timestamp }
        }
        StreamResponse::ArtifactUpdate(update) => {
            let texts = update.artifact.parts.iter().filter_map(Part::as_text);
            let texts = texts.map(str::to_owned).collect();
            Mark::Artifact { id: update.artifact.artifact_id.clone(), texts }
        }
        StreamResponse::Task(_) | StreamResponse::Message(_) => Mark::NotAnUpdate,
    }
}

/// Finds how many events of the log it takes to get to this snapshot; `None` when the task was never like that.
fn place_in_log(log: &[StreamResponse], snapshot: &Task) -> Option<usize> {
    let (first, later) = log.split_first()?;
    let StreamResponse::Task(created) = first else { return None };
    let mut task = created.clone();
    let mut places = 1;
    for event in later {
        if looks_like(&task, snapshot) {
            return Some(places);
        }
        reduce::apply(&mut task, event);
        places += 1;
    }
    looks_like(&task, snapshot).then_some(places)
}

fn looks_like(one: &Task, other: &Task) -> bool {
    let status = |task: &Task| (task.status.state.clone(), task.status.timestamp);
    status(one) == status(other)
        && one.artifacts.as_deref().unwrap_or_default() == other.artifacts.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests;
