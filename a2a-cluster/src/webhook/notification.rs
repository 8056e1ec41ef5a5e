//! What a webhook is told next: one event, or several chunks of one artifact that waited.
//!
//! What is told together depends on the log alone, never on when it is looked at: an instance that goes on in another's
//! place tells the same events under the same ids.

use std::sync::Arc;

use a2a::{StreamResponse, TaskArtifactUpdateEvent};
use a2a_core::{CommitRecord, Generation, TaskKey, Version, reduce, weight};

use crate::ground::WebhookDetail;

/// The most that chunks weigh which are told together.
const MOST_TOGETHER: usize = 256 * 1024;

/// How far a webhook was told: all commits up to a version, and so many events of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor {
    pub(super) version: Version,
    pub(super) events: usize,
}

impl Cursor {
    pub(super) fn after(version: Version) -> Self {
        Cursor { version, events: 0 }
    }
}

/// What is told at once, and where to go on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Notification {
    pub(super) event: StreamResponse,
    /// The numbers of the first and the last event that it tells, as the task's streams count them.
    pub(super) first: Generation,
    pub(super) last: Generation,
    pub(super) then: Cursor,
    /// What of the task it tells, in place of the event of that number.
    pub(super) in_place: Option<&'static str>,
}

impl Notification {
    /// Its id, which it has whenever it is told, whoever tells it: the task, and the first and the last event in it.
    pub(super) fn id(&self, key: &TaskKey) -> String {
        let (dash, what) = self.in_place.map_or(("", ""), |what| ("-", what));
        format!("{}/{}-{}{dash}{what}", key.task_id, self.first.get(), self.last.get())
    }

    /// Tells whether it stands for more than one event.
    pub(super) fn is_merged(&self) -> bool {
        self.first < self.last
    }
}

/// How far chunks are told together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Together {
    /// Not at all.
    Nothing,
    /// Within one commit.
    ACommit,
    /// Up to this version.
    Until(Version),
}

/// Looks for what comes after a cursor in commits that follow it. `Err` tells how far they hold nothing to tell.
pub(super) fn next<'a>(
    commits: impl IntoIterator<Item = &'a Arc<CommitRecord>>,
    cursor: Cursor,
    together: Together,
    detail: WebhookDetail,
) -> Result<Notification, Cursor> {
    let mut told: Option<Notification> = None;
    let (mut reached, mut weighs) = (cursor, 0);
    for record in commits {
        let may_go_on = match together {
            Together::Until(version) => record.version <= version,
            Together::Nothing | Together::ACommit => false,
        };
        if told.is_some() && !may_go_on {
            break;
        }
        let skip = if record.version == cursor.version.next() { cursor.events } else { 0 };
        for (index, event) in record.events.iter().enumerate().skip(skip) {
            if !reduce::is_streamed(event) {
                continue;
            }
            let number = record.generation_before(index).advanced(1);
            let then = Cursor { version: before(record.version), events: index + 1 };
            if !detail.wants(event) {
                continue;
            }
            weighs += weight::of_event(event);
            let may_join = together != Together::Nothing && weighs <= MOST_TOGETHER;
            match &mut told {
                None => {
                    told = Some(Notification {
                        event: event.clone(),
                        first: number,
                        last: number,
                        then,
                        in_place: None,
                    })
                }
                Some(before) if may_join => {
                    if !append(&mut before.event, event) {
                        return told.ok_or(reached);
                    }
                    (before.last, before.then) = (number, then);
                }
                Some(_) => return told.ok_or(reached),
            }
        }
        reached = Cursor::after(record.version);
        if let Some(told) = &mut told {
            told.then = reached;
        }
    }
    told.ok_or(reached)
}

fn before(version: Version) -> Version {
    Version::new(version.get().saturating_sub(1))
}

/// Adds a chunk to what came before it of the same artifact. `false`: it is no such chunk.
fn append(told: &mut StreamResponse, next: &StreamResponse) -> bool {
    let (StreamResponse::ArtifactUpdate(told), StreamResponse::ArtifactUpdate(next)) = (told, next) else {
        return false;
    };
    let is_plain = |update: &TaskArtifactUpdateEvent| {
        let artifact = &update.artifact;
        update.metadata.is_none()
            && artifact.metadata.is_none()
            && artifact.extensions.is_none()
            && artifact.description.is_none()
    };
    let joins = next.append == Some(true)
        && told.last_chunk != Some(true)
        && told.artifact.artifact_id == next.artifact.artifact_id
        && told.metadata.is_none()
        && is_plain(next)
        && next.artifact.name.as_ref().is_none_or(|name| told.artifact.name.as_ref() == Some(name));
    if joins {
        told.artifact.parts.extend_from_slice(&next.artifact.parts);
        told.last_chunk = next.last_chunk;
    }
    joins
}

#[cfg(test)]
mod tests;
