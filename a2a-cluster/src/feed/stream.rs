//! One client's stream: a cursor on a feed, served from the ring or, where it fell behind, from the store.

use std::sync::Arc;

use a2a::{A2AError, StreamResponse, Task, TaskState};
use a2a_core::{CommitRecord, Replay, Version, reduce};
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;

use super::{Attached, ring::Tail};
use crate::instance::Instance;

/// Where a stream begins.
#[derive(Debug)]
pub(crate) enum Start {
    /// With the task's first event.
    Beginning,
    /// With this snapshot, then everything after its version.
    Snapshot(Box<Task>, Version),
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
    until: Until,
    done: bool,
}

/// Streams a task's events to one client.
///
/// Ends as `until` says; ends with an error where the instance stops serving, so that the client subscribes
/// anew on another.
pub(crate) fn read(
    instance: &Arc<Instance>,
    feed: Attached,
    start: Start,
    until: Until,
) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
    let (snapshot, cursor) = match start {
        Start::Beginning => (None, Version::ABSENT),
        Start::Snapshot(task, version) => (Some(task), version),
    };
    let reader = Reader {
        instance: Arc::clone(instance),
        progress: feed.progress(),
        feed,
        snapshot,
        cursor,
        commit: None,
        waiting: Vec::new().into_iter(),
        until,
        done: false,
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
            self.done = self.until.reached(&task.status.state);
            return Some(Ok(StreamResponse::Task(*task)));
        }
        loop {
            if let Some(event) = self.next_of_commit() {
                self.done = reduce::state_of(&event).is_some_and(|state| self.until.reached(state));
                return Some(Ok(event));
            }
            if let Some(commit) = self.waiting.next() {
                self.cursor = commit.version;
                self.commit = Some((commit, 0));
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
                    tokio::select! {
                        biased;
                        changed = self.progress.changed() => if changed.is_err() { return None },
                        () = stopped => return Some(Err(self.instance.stop_reason())),
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
                        self.done = self.until.reached(&stored.task.status.state);
                        return Some(Ok(StreamResponse::Task(stored.task)));
                    }
                    Err(error) => return Some(Err(error)),
                },
            }
        }
    }

    fn next_of_commit(&mut self) -> Option<StreamResponse> {
        let (commit, position) = self.commit.as_mut()?;
        while let Some(event) = commit.events.get(*position) {
            *position += 1;
            if reduce::is_streamed(event) {
                return Some(event.clone());
            }
        }
        self.commit = None;
        None
    }
}
