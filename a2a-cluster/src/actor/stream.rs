//! One client's stream: a cursor on the ring, or on the store where it fell behind; and how a stream joins.

use std::sync::Arc;

use a2a::{A2AError, StreamResponse, Task};
use a2a_core::{BackendError, CommitRecord, Replay, StoredTask, TaskKey, Version, reduce};
use futures::stream::{self, BoxStream, StreamExt};

use super::core::{Actor, Input, Seen, Tail, Until};
use super::registry::Actors;
use super::requests::{Reader as Hold, found};
use crate::ground::Listener;
use crate::ground::telemetry::Counted;
use crate::resume::{Marks, Position};

/// Joins the readers of a task, wherever it runs. `None` where the task does not exist. The caller's right to the task
/// has been checked.
///
/// A task that runs here is shown by its actor. For any other this instance is registered as a watcher before the task
/// is read, so that no commit can fall between; and its actor follows it.
pub(crate) async fn join(
    actors: &Arc<Actors>,
    key: &TaskKey,
) -> Result<Option<(Hold, StoredTask)>, A2AError> {
    let mut hold = actors.attach(key, false);
    let known = hold.look(Actor::knows);
    let registers = hold.look(Actor::needs_watch).unwrap_or(true);
    let stored = if registers {
        actors.ground.retry_for_request().run(|| actors.ground.tasks.watch(key, &actors.ground.id)).await
    } else {
        actors.ground.retry_for_request().run(|| actors.ground.tasks.load(key)).await
    };
    let stored = stored.map_err(|error| actors.ground.error(error))?;
    hold.found(known, stored.as_ref().map_or(Version::ABSENT, |stored| stored.version));
    let Some(stored) = stored else { return Ok(None) };
    hold.join(Input::Joined { seen: Seen::of(&stored), registered: registers });
    Ok(Some((hold, stored)))
}

/// Reads a task. Where this instance knew of a later version, what it knew of is gone, and another task has its id.
pub(crate) async fn load_known(
    actors: &Arc<Actors>,
    key: &TaskKey,
) -> Result<Option<StoredTask>, BackendError> {
    let handle = actors.get(key);
    let known = handle.as_ref().and_then(|handle| handle.look(Actor::knows));
    let stored = actors.ground.retry_for_request().run(|| actors.ground.tasks.load(key)).await?;
    if let Some(handle) = &handle {
        found(actors, handle, known, stored.as_ref().map_or(Version::ABSENT, |stored| stored.version));
    }
    Ok(stored)
}

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

struct Reader {
    actors: Arc<Actors>,
    hold: Hold,
    progress: Listener,
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
    actors: &Arc<Actors>,
    hold: Hold,
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
    let runs_here = hold.look(Actor::is_running).unwrap_or(false);
    let reader = Reader {
        actors: Arc::clone(actors),
        progress: hold.progress(),
        hold,
        snapshot,
        cursor,
        commit: None,
        waiting: waiting.into_iter(),
        skip,
        until,
        marks,
        done: false,
        _counted: Counted::by(actors.ground.meters.streams(runs_here)),
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
            self.progress.mark_heard();
            if self.hold.is_over() {
                return Some(Err(self.absent()));
            }
            match self.hold.after(self.cursor) {
                None => return None,
                Some(Tail::Commits(commits)) if commits.is_empty() => {
                    if self.hold.look(|actor| actor.ring().ended()).unwrap_or(true) {
                        return None;
                    }
                    if self.hold.look(Actor::is_absent).unwrap_or(true) {
                        return Some(Err(self.absent()));
                    }
                    if self.hold.look(Actor::is_unreadable).unwrap_or(true) {
                        return Some(Err(A2AError::internal("internal error")));
                    }
                    if self.actors.ground.liveness.is_cut_off() {
                        return Some(Err(self.actors.ground.cut_off_reason()));
                    }
                    if let Err(error) = self.wait().await {
                        return Some(Err(error));
                    }
                }
                Some(Tail::Commits(commits)) => self.waiting = commits.into_iter(),
                Some(Tail::Behind) => match self.read_store().await {
                    Ok(Some(task)) => return Some(Ok(self.show(StreamResponse::Task(*task), u32::MAX))),
                    Ok(None) => {}
                    Err(error) => return Some(Err(error)),
                },
            }
        }
    }

    fn absent(&self) -> A2AError {
        A2AError::task_not_found(&self.hold.key().task_id)
    }

    /// Waits until there may be something new; fails where this instance cannot serve the stream any more.
    async fn wait(&mut self) -> Result<(), A2AError> {
        let Reader { actors, progress, .. } = self;
        tokio::select! {
            biased;
            () = progress.given() => Ok(()),
            () = actors.ground.stop.stopping.cancelled() => Err(actors.ground.stop.reason()),
        }
    }

    /// Reads from the store what the ring does not reach. Returns the task where its commits are no longer kept.
    async fn read_store(&mut self) -> Result<Option<Box<Task>>, A2AError> {
        let actors = Arc::clone(&self.actors);
        let known = self.hold.look(Actor::knows);
        let replay = tokio::select! {
            biased;
            replay = actors.ground.commits_after(self.hold.key(), self.cursor) => replay?,
            () = actors.ground.liveness.cut_off() => return Err(actors.ground.cut_off_reason()),
            // A call that hangs must not outlive the instance.
            () = actors.ground.stop.closing.cancelled() => return Err(actors.ground.stop.reason()),
        };
        match replay {
            Replay::Commits(commits) if commits.is_empty() => {
                // The store is right: either the task is gone, and another one may have its id, or what the ring has is not
                // there yet.
                let read = || actors.ground.tasks.load(self.hold.key());
                let stored = actors.ground.retry_for_request().run(read).await;
                let Some(stored) = stored.map_err(|error| actors.ground.error(error))? else {
                    return Err(self.absent());
                };
                self.hold.found(known, stored.version);
                tokio::time::sleep(actors.ground.config.retry_min).await;
            }
            Replay::Commits(commits) => self.waiting = commits.into_iter(),
            Replay::Snapshot(stored) => {
                self.cursor = stored.version;
                return Ok(Some(Box::new(stored.task)));
            }
        }
        Ok(None)
    }

    /// Passes an event on: the stream may end with it, and the client may want a cursor.
    fn show(&mut self, mut event: StreamResponse, events: u32) -> StreamResponse {
        self.done = self.until.reached(&event);
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
