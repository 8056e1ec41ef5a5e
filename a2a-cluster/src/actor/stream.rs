//! One client's stream: a cursor on the ring, or on the store where it fell behind; and how a stream joins.

use std::sync::Arc;

use a2a::{A2AError, StreamResponse, Task};
use a2a_core::{BackendError, CommitRecord, Generation, Replay, StoredTask, TaskKey, Tip, Version, reduce};
use futures::Stream;
use futures::stream;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::core::{Actor, Input, Seen, Tail, Until};
use super::registry::Actors;
use super::requests::{Reader as Hold, found};
use crate::ground::Listener;
use crate::ground::telemetry::Counted;
use crate::position::{EventIndex, Position, PositionedEvent};
use crate::resume::Cursor;

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
        actors.watching.begin(key);
        actors.ground.retry_for_request().run(|| actors.ground.tasks.watch(key, &actors.ground.id)).await
    } else {
        actors.ground.retry_for_request().run(|| actors.ground.tasks.load(key)).await
    };
    let stored = stored.map_err(|error| actors.ground.error(error))?;
    hold.found(known, stored.as_ref().map_or(Version::ABSENT, |stored| stored.version));
    let Some(stored) = stored else {
        // What is not there has no watchers.
        actors.watching.forget(key);
        return Ok(None);
    };
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
    /// With this snapshot, then everything after its tip.
    Snapshot(Box<Task>, Tip),
    /// With what follows this cursor; these are the commits that hold it.
    After(Cursor, Vec<Arc<CommitRecord>>),
}

impl Start {
    /// With a task as it was read.
    pub(crate) fn of(stored: StoredTask) -> Self {
        let tip = stored.tip();
        Start::Snapshot(Box::new(stored.task), tip)
    }
}

struct Reader {
    actors: Arc<Actors>,
    hold: Hold,
    progress: Listener,
    snapshot: Option<(Box<Task>, Tip)>,
    cursor: Version,
    commit: Option<Current>,
    waiting: std::vec::IntoIter<Arc<CommitRecord>>,
    /// Events of the next commit that the client has already.
    skip: usize,
    until: Until,
    /// The task waits for its client, as far as the stream has shown.
    parked: bool,
    done: bool,
    _counted: Counted,
    /// A shutdown waits for it.
    _open: TaskTrackerToken,
}

/// The commit that is being shown.
struct Current {
    record: Arc<CommitRecord>,
    next: usize,
    /// The task's generation before the next event.
    generation: Generation,
}

/// Streams a task's events to one client, with their positions.
///
/// Ends as `until` says, and with an error where the instance stops serving, so that the client subscribes anew on
/// another: at once where the task waits for its client, and for any other when the shutdown's grace is over.
pub(crate) fn read(
    actors: &Arc<Actors>,
    hold: Hold,
    start: Start,
    until: Until,
) -> impl Stream<Item = Result<PositionedEvent, A2AError>> + Send + use<> {
    let (snapshot, cursor, waiting, skip) = match start {
        Start::Beginning => (None, Version::ABSENT, Vec::new(), 0),
        Start::Snapshot(task, tip) => (Some((task, tip)), tip.version, Vec::new(), 0),
        Start::After(cursor, commits) => {
            let before = cursor.version.get().saturating_sub(1);
            (None, Version::new(before), commits, cursor.events as usize)
        }
    };
    let runs_here = hold.look(Actor::is_running).unwrap_or(false);
    actors.ground.meters.streams_opened.increment(1);
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
        parked: false,
        done: false,
        _counted: Counted::by(actors.ground.meters.streams(runs_here)),
        _open: actors.streams.token(),
    };
    stream::unfold(reader, |mut reader| async move {
        let item = reader.next().await?;
        if let Err(error) = &item {
            reader.cut(error);
        }
        Some((item, reader))
    })
}

impl Reader {
    async fn next(&mut self) -> Option<Result<PositionedEvent, A2AError>> {
        if self.done {
            return None;
        }
        loop {
            if let Some((task, tip)) = self.snapshot.take() {
                self.cursor = tip.version;
                return Some(Ok(self.show(StreamResponse::Task(*task), Position::of_snapshot(tip))));
            }
            if let Some((event, position)) = self.next_of_commit() {
                return Some(Ok(self.show(event, position)));
            }
            if let Some(record) = self.waiting.next() {
                self.cursor = record.version;
                let next = std::mem::take(&mut self.skip);
                let generation = record.generation_before(next);
                self.commit = Some(Current { record, next, generation });
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
                Some(Tail::Behind) => {
                    if let Err(error) = self.read_store().await {
                        return Some(Err(error));
                    }
                }
            }
        }
    }

    /// Ends with an error. It is no cut where the task is gone.
    fn cut(&mut self, error: &A2AError) {
        self.done = true;
        if error.code != self.absent().code {
            let ground = &self.actors.ground;
            ground.meters.stream_cut(ground.stop.draining.is_cancelled());
        }
    }

    fn absent(&self) -> A2AError {
        A2AError::task_not_found(&self.hold.key().task_id)
    }

    /// Waits until there may be something new; fails where this instance cannot serve the stream any more.
    ///
    /// A shutdown gives streams time to see the end of what is worked on, but a client may take days to answer.
    async fn wait(&mut self) -> Result<(), A2AError> {
        let is_idle = self.parked && self.hold.look(Actor::is_running) != Some(true);
        let Reader { actors, progress, .. } = self;
        let stop = &actors.ground.stop;
        let leave = if is_idle { &stop.draining } else { &stop.stopping };
        tokio::select! {
            biased;
            () = progress.given() => Ok(()),
            () = leave.cancelled() => Err(stop.reason()),
        }
    }

    /// Reads from the store what the ring does not reach: commits, or the task where those are no longer kept.
    async fn read_store(&mut self) -> Result<(), A2AError> {
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
                let tip = stored.tip();
                self.snapshot = Some((Box::new(stored.task), tip));
            }
        }
        Ok(())
    }

    /// Passes an event on: the stream may end with it.
    fn show(&mut self, event: StreamResponse, position: Position) -> PositionedEvent {
        if reduce::state_of(&event).is_some() {
            self.parked = Until::TurnEnds.reached(&event);
        }
        self.done = self.until.reached(&event);
        PositionedEvent { event, position: Some(position) }
    }

    /// Returns the next event of the current commit.
    fn next_of_commit(&mut self) -> Option<(StreamResponse, Position)> {
        let Current { record, next, generation } = self.commit.as_mut()?;
        while let Some(event) = record.events.get(*next) {
            let index = EventIndex::At(u32::try_from(*next).unwrap_or(u32::MAX));
            *next += 1;
            if reduce::is_streamed(event) {
                *generation = generation.advanced(1);
                let position = Position { version: record.version, index, generation: *generation };
                return Some((event.clone(), position));
            }
        }
        self.commit = None;
        None
    }
}
