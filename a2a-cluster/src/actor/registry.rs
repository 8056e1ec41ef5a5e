//! The actors of an instance: at most one for each task, there for as long as it has something to do.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use a2a::A2AError;
use a2a_core::{TaskKey, Version};
use a2a_server::AgentExecutor;
use foldhash::HashMap;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::core::{Actor, Input, Leave, Settings, Time};
use super::deliveries::Deliveries;
use super::handle::{Counts, Handle};
use super::perform::drive;
use super::timers::Timers;
use super::watching::Watching;
use crate::admission::{Admission, Permit, Resuming};
use crate::caller::TenantCaller;
use crate::ground::telemetry::Meters;
use crate::ground::{ExecutorLost, Ground};

/// The tasks that are remembered which ended here lately. A watcher's message is rarely later than a thousand tasks.
const REMEMBERED: usize = 1024;

/// All actors of one instance.
pub(crate) struct Actors {
    pub(crate) ground: Arc<Ground>,
    pub(super) agent: Arc<dyn AgentExecutor>,
    pub(super) admission: Admission,
    deliveries: OnceLock<Weak<dyn Deliveries>>,
    settings: Arc<Settings>,
    origin: Instant,
    entries: Mutex<HashMap<TaskKey, Arc<Handle>>>,
    recent: Mutex<Recent>,
    pub(super) tickets: AtomicU64,
    /// How many agents run.
    running: AtomicUsize,
    /// How many bytes the rings of all actors take.
    ring_bytes: AtomicUsize,
    max_ring_bytes: usize,
    /// Notified whenever an actor has nothing to do any more that a shutdown waits for.
    ended: Notify,
    /// Set once this instance stops.
    leave: OnceLock<Leave>,
    pub(super) timers: Timers,
    /// The tasks that this instance is recorded as a watcher of.
    pub(super) watching: Watching,
    /// One token for each open stream.
    pub(super) streams: TaskTracker,
}

/// How far the tasks got whose actors ended lately.
#[derive(Debug, Default)]
struct Recent {
    versions: HashMap<TaskKey, Version>,
    order: VecDeque<TaskKey>,
}

impl std::fmt::Debug for Actors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actors").field("instance", &self.ground.id).finish_non_exhaustive()
    }
}

impl Actors {
    pub(crate) fn new(ground: &Arc<Ground>, agent: &Arc<dyn AgentExecutor>) -> Arc<Self> {
        Arc::new(Actors {
            agent: Arc::clone(agent),
            admission: Admission::new(&ground.config, ground.tells_callers_apart, &ground.pressure),
            deliveries: OnceLock::new(),
            settings: Arc::new(settings(ground)),
            origin: Instant::now(),
            entries: Mutex::new(HashMap::default()),
            recent: Mutex::default(),
            tickets: AtomicU64::new(0),
            running: AtomicUsize::new(0),
            ring_bytes: AtomicUsize::new(0),
            max_ring_bytes: ground.config.ring_total_bytes,
            ended: Notify::new(),
            leave: OnceLock::new(),
            timers: Timers::default(),
            watching: Watching::default(),
            streams: TaskTracker::new(),
            ground: Arc::clone(ground),
        })
    }

    /// Says who delivers to webhooks from now on.
    pub(crate) fn deliver_by(&self, deliveries: &Arc<impl Deliveries>) {
        let deliveries: Weak<dyn Deliveries> =
            Arc::downgrade(&(Arc::clone(deliveries) as Arc<dyn Deliveries>));
        let _ = self.deliveries.set(deliveries);
    }

    /// Who delivers to webhooks, unless this instance is gone.
    pub(super) fn deliveries(&self) -> Option<Arc<dyn Deliveries>> {
        self.deliveries.get().and_then(Weak::upgrade)
    }

    /// Admits a request that needs an agent, or refuses it with a time to retry after: without a wait, and without a
    /// call of the store.
    pub(crate) fn admit(&self, caller: &TenantCaller) -> Result<Permit, A2AError> {
        self.admission.admit(caller, self.running()).map_err(|full| {
            self.ground.meters.not_admitted(full);
            self.ground.too_busy()
        })
    }

    /// Finds room for an agent that is to begin again here. `None`: as many run as may.
    pub(crate) fn resume(&self) -> Option<Resuming> {
        self.admission.resume(self.running())
    }

    /// Tells whether agents that lost their executor begin again, and there is room for none here.
    pub(crate) fn is_full(&self) -> bool {
        self.settings.attempts > 0 && self.resume().is_none()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<TaskKey, Arc<Handle>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since this instance began.
    pub(super) fn now(&self) -> Time {
        self.origin.elapsed()
    }

    pub(super) fn origin(&self) -> Instant {
        self.origin
    }

    /// A moment as actors tell the time.
    pub(crate) fn time_of(&self, instant: Instant) -> Time {
        instant.saturating_duration_since(self.origin)
    }

    /// All actors, in the order of their tasks: whoever is told something is told in an order that repeats itself.
    fn all(&self) -> Vec<Arc<Handle>> {
        let mut handles: Vec<_> = self.entries().values().cloned().collect();
        handles.sort_unstable_by(|a, b| a.key().cmp(b.key()));
        handles
    }

    /// Returns the actor of a task, if it has one.
    pub(crate) fn get(&self, key: &TaskKey) -> Option<Arc<Handle>> {
        self.entries().get(key).cloned()
    }

    pub(super) fn get_or_begin(&self, key: &TaskKey) -> Arc<Handle> {
        let mut entries = self.entries();
        if let Some(handle) = entries.get(key) {
            return Arc::clone(handle);
        }
        let actor = Actor::new(self.ground.id, Arc::clone(&self.settings)).leaving(self.leave.get().copied());
        let handle = Arc::new(Handle::new(key.clone(), actor));
        entries.insert(key.clone(), Arc::clone(&handle));
        handle
    }

    /// Removes an actor that has ended, be its task over or not.
    pub(super) fn forget(&self, handle: &Arc<Handle>, version: Version, is_over: bool) {
        if is_over {
            // What is recorded of its watchers goes with it.
            self.watching.forget(handle.key());
        }
        {
            let mut entries = self.entries();
            if entries.get(handle.key()).is_some_and(|current| Arc::ptr_eq(current, handle)) {
                entries.remove(handle.key());
            }
        }
        if version > Version::ABSENT {
            self.recent().note(handle.key(), version);
        }
        self.ended.notify_waiters();
    }

    /// Takes note of what a step changed of an actor.
    pub(super) fn count(&self, meters: &Meters, before: Counts, after: Counts) {
        if before == after {
            return;
        }
        match (before.runs, after.runs) {
            (false, true) => {
                self.running.fetch_add(1, Ordering::AcqRel);
                meters.agents.increment(1.0);
            }
            (true, false) => {
                self.running.fetch_sub(1, Ordering::AcqRel);
                meters.agents.decrement(1.0);
            }
            _ => {}
        }
        if before.busy && !after.busy {
            self.ended.notify_waiters();
        }
        if before.watchers != after.watchers {
            #[allow(clippy::cast_precision_loss, reason = "nobody has 2^52 watchers")]
            meters.watchers.increment(after.watchers as f64 - before.watchers as f64);
        }
        // Wraps where it shrinks, and comes out right.
        self.ring_bytes.fetch_add(after.ring_bytes.wrapping_sub(before.ring_bytes), Ordering::AcqRel);
    }

    /// How many bytes the ring of one actor may take, which takes `own` now: what all others leave.
    pub(super) fn ring_allowance(&self, own: usize) -> usize {
        let taken = self.ring_bytes.load(Ordering::Acquire);
        self.max_ring_bytes.saturating_sub(taken.saturating_sub(own))
    }

    /// How many agents run here.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Acquire)
    }

    /// How many tasks have streams open here.
    pub(crate) fn streaming(&self) -> usize {
        let handles = self.all();
        handles.iter().filter(|handle| handle.look(Actor::has_readers) == Some(true)).count()
    }

    /// The tasks on which agents run, or are being dropped, or are about to run.
    pub(crate) fn busy(&self) -> Vec<TaskKey> {
        let handles = self.all();
        let busy = handles.into_iter().filter(|handle| handle.look(Actor::is_busy) == Some(true));
        busy.map(|handle| handle.key().clone()).collect()
    }

    /// Waits until no agent runs, nor is about to. Cancel safe.
    pub(crate) async fn drained(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.busy().is_empty() {
                return;
            }
            ended.await;
        }
    }

    /// Waits until no stream is open: those of parked tasks end by themselves once this instance drains. Cancel safe.
    pub(crate) async fn streams_ended(&self) {
        self.streams.close();
        self.streams.wait().await;
    }

    /// Takes the tasks that this instance is recorded as a watcher of.
    pub(crate) fn take_watching(&self) -> Vec<TaskKey> {
        self.watching.take()
    }

    /// Drops whatever is left when this instance has closed, and notes for others which tasks it had. Returns those
    /// whose agents could not be stopped.
    pub(crate) fn end(actors: &Arc<Actors>) -> Vec<TaskKey> {
        let handles = actors.all();
        let mut not_stopped = Vec::new();
        for handle in handles {
            if handle.has_agent() {
                not_stopped.push(handle.key().clone());
            }
            if handle.look(Actor::may_have_task) == Some(true) {
                actors.ground.unattended.note(handle.key());
            }
            drive(actors, &handle, Input::Leave(Leave::Evicted));
        }
        not_stopped
    }

    /// The version of a task whose actor ended here lately: a watcher may ask just too late.
    pub(crate) fn ended_at(&self, key: &TaskKey) -> Option<Version> {
        self.recent().versions.get(key).copied()
    }

    /// Tells all actors, those that come later too, that this instance stops.
    fn leave(actors: &Arc<Actors>, leave: Leave) {
        let leave = *actors.leave.get_or_init(|| leave);
        Actors::tell_all(actors, &Input::Leave(leave));
    }

    /// Tells all actors the same.
    fn tell_all(actors: &Arc<Actors>, input: &Input) {
        let handles = actors.all();
        for handle in handles {
            drive(actors, &handle, input.clone());
        }
    }
}

/// Tells the actors what concerns all of them, until the instance closes: that it is cut off from its store, that others
/// reach it in another way, that it stops.
pub(crate) async fn relay_changes(actors: Arc<Actors>) {
    let mut beats = actors.ground.liveness.answered();
    let (mut is_cut_off, mut reach) = (false, actors.ground.connection.reach());
    loop {
        let changed = actors.ground.connection.reach_changed();
        if reach != actors.ground.connection.reach() {
            reach = actors.ground.connection.reach();
            Actors::tell_all(&actors, &Input::ReachChanged);
        }
        if is_cut_off != actors.ground.liveness.is_cut_off() {
            is_cut_off = !is_cut_off;
            Actors::tell_all(&actors, &Input::CutOff(is_cut_off));
        }
        tokio::select! {
            biased;
            () = actors.ground.stop.stopping.cancelled() => break,
            () = actors.ground.liveness.cut_off(), if !is_cut_off => {}
            // A beat was answered again.
            () = beats.given(), if is_cut_off => {}
            () = changed => {}
        }
    }
    stop_all(&actors);
}

/// Tells all actors, those that come later too, that this instance stops. Idempotent.
pub(crate) fn stop_all(actors: &Arc<Actors>) {
    let leave = match actors.ground.config.executor_lost {
        _ if actors.ground.stop.is_evicted() => Leave::Evicted,
        ExecutorLost::Fail => Leave::Fail,
        ExecutorLost::Resume { .. } => Leave::HandOver,
    };
    Actors::leave(actors, leave);
}

impl Recent {
    fn note(&mut self, key: &TaskKey, version: Version) {
        if self.versions.insert(key.clone(), version).is_none() {
            self.order.push_back(key.clone());
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.versions.remove(&oldest);
        }
    }
}

/// What of the configuration an actor goes by.
fn settings(ground: &Ground) -> Settings {
    let config = &ground.config;
    Settings {
        creation_delay: config.creation_delay,
        commit_spacing: ground.commit_spacing(),
        resync_after: config.resync_after,
        silence_min: config.silence_min,
        silence_max: config.silence_max,
        cancel_repeat: config.cancel_repeat,
        cancel_patience: config.cancel_patience,
        cancel_grace: config.cancel_grace,
        request_patience: config.request_patience,
        retry_max: config.retry_max,
        lease: config.lease,
        agent_silence: config.agent_silence,
        turn_limit: config.turn_limit,
        ring_commits: config.ring_commits,
        ring_bytes: config.ring_bytes,
        depth: config.limits.depth,
        attempts: match config.executor_lost {
            ExecutorLost::Fail => 0,
            ExecutorLost::Resume { max_attempts } => max_attempts,
        },
        webhooks: ground.declares_webhooks,
    }
}
