//! One client's stream: a cursor on a feed, served from the ring or, where it fell behind, from the store.

use std::sync::Arc;

use a2a::{A2AError, StreamResponse, Task, TaskState};
use a2a_core::{CommitRecord, Replay, Version, reduce};
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;

use super::{Attached, ring::Tail};
use crate::instance::Instance;
use crate::resume::{Marks, Position};
use crate::telemetry::Counted;

/// Where a stream begins.
#[derive(Debug)]
pub(crate) enum Start {
    /// With the task's first event.
    Beginning,
    /// With this snapshot, then everything after its version.
    Snapshot(Box<Task>, Version),
    /// With what follows this position; these are the commits that hold it.
    Position(Position, Vec<Arc<CommitRecord>>),
}

/// Where a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// With the turn: a terminal or interrupted state.
    TurnEnds,
    /// With the task: a terminal state.
    TaskEnds,
}

impl Until {
    fn reached(self, state: &TaskState) -> bool {
        match self {
            Until::TaskEnds => state.is_terminal(),
            Until::TurnEnds => reduce::ends_turn(state),
        }
    }
}

struct Reader {
    instance: Arc<Instance>,
    feed: Attached,
    progress: watch::Receiver<u64>,
    snapshot: Option<Box<Task>>,
    cursor: Version,
    commit: Option<(Arc<CommitRecord>, usize)>,
    waiting: std::vec::IntoIter<Arc<CommitRecord>>,
    /// Events of the next commit that the client has already.
    skip: usize,
    until: Until,
    marks: Option<Marks>,
    done: bool,
    _counted: Counted,
}

/// Streams a task's events to one client.
///
/// Ends as `until` says; marks events with cursors if the client asked for them. Ends with an error where the instance stops serving, so that the client subscribes
/// anew on another.
pub(crate) fn read(
    instance: &Arc<Instance>,
    feed: Attached,
    start: Start,
    until: Until,
    marks: Option<Marks>,
) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
    let (snapshot, cursor, waiting, skip) = match start {
        Start::Beginning => (None, Version::ABSENT, Vec::new(), 0),
        Start::Snapshot(task, version) => (Some(task), version, Vec::new(), 0),
        Start::Position(position, commits) => {
            let before = position.version.get().saturating_sub(1);
            (None, Version::new(before), commits, position.events as usize)
        }
    };
    let runs_here = instance.runs.get(feed.key()).is_some();
    let reader = Reader {
        instance: Arc::clone(instance),
        progress: feed.progress(),
        feed,
        snapshot,
        cursor,
        commit: None,
        waiting: waiting.into_iter(),
        skip,
        until,
        marks,
        done: false,
        _counted: Counted::by(instance.meters.streams(runs_here)),
    };
    stream::unfold(reader, |mut reader| async move {
        let item = reader.next().await?;
        reader.done |= item.is_err();
        Some((item, reader))
    })
    .boxed()
}

impl Reader {
    async fn next(&mut self) -> Option<Result<StreamResponse, A2AError>> {
        if self.done {
            return None;
        }
        if let Some(task) = self.snapshot.take() {
            return Some(Ok(self.show(StreamResponse::Task(*task), u32::MAX)));
        }
        loop {
            if let Some((event, position)) = self.next_of_commit() {
                return Some(Ok(self.show(event, position)));
            }
            if let Some(commit) = self.waiting.next() {
                self.cursor = commit.version;
                self.commit = Some((commit, std::mem::take(&mut self.skip)));
                continue;
            }
            // Marked as seen before the ring is read: progress made in between wakes the wait below.
            self.progress.mark_unchanged();
            match self.feed.after(self.cursor) {
                Tail::Commits(commits) if commits.is_empty() => {
                    if self.feed.ended() {
                        return None;
                    }
                    let stopped = self.instance.stopped();
                    let cut_off = self.instance.liveness.cut_off();
                    tokio::select! {
                        biased;
                        changed = self.progress.changed() => if changed.is_err() { return None },
                        () = stopped => return Some(Err(self.instance.stop_reason())),
                        () = cut_off => return Some(Err(self.instance.cut_off_reason())),
                    }
                }
                Tail::Commits(commits) => self.waiting = commits.into_iter(),
                Tail::Behind => match self.instance.commits_after(self.feed.key(), self.cursor).await {
                    Ok(Replay::Commits(commits)) if commits.is_empty() => {
                        // The ring ran ahead of what the store shows; it cannot stay so.
                        tokio::task::yield_now().await;
                    }
                    Ok(Replay::Commits(commits)) => self.waiting = commits.into_iter(),
                    Ok(Replay::Snapshot(stored)) => {
                        self.cursor = stored.version;
                        return Some(Ok(self.show(StreamResponse::Task(stored.task), u32::MAX)));
                    }
                    Err(error) => return Some(Err(error)),
                },
            }
        }
    }

    /// Passes an event on: the stream may end with it, and the client may want a cursor.
    fn show(&mut self, mut event: StreamResponse, events: u32) -> StreamResponse {
        self.done = reduce::state_of(&event).is_some_and(|state| self.until.reached(state));
        if let Some(marks) = &mut self.marks {
            marks.mark(&mut event, Position { version: self.cursor, events });
        }
        event
    }

    /// Returns the next event of the current commit, and how many of its events the client has then.
    fn next_of_commit(&mut self) -> Option<(StreamResponse, u32)> {
        let (commit, position) = self.commit.as_mut()?;
        while let Some(event) = commit.events.get(*position) {
            *position += 1;
            if reduce::is_streamed(event) {
                return Some((event.clone(), u32::try_from(*position).unwrap_or(u32::MAX)));
            }
        }
        self.commit = None;
        None
    }
}
