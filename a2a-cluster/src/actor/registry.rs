//! The actors of an instance: at most one for each task, there for as long as it has something to do.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use a2a_core::{InstanceId, TaskKey, Version};
use foldhash::HashMap;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::agent_task::Deposit;
use super::core::{Actor, Input, Known, Leave, Reply, Settings, Ticket, Time};
use super::handle::{Counts, Ended, Handle};
use super::perform::{Place, drive, perform};
use super::timers::Timers;
use crate::config::ExecutorLost;
use crate::instance::Instance;
use crate::telemetry::Meters;

/// The tasks that are remembered which ended here lately. A watcher's message is rarely later than a thousand tasks.
const REMEMBERED: usize = 1024;

/// All actors of one instance.
#[derive(Debug)]
pub(crate) struct Actors {
    me: InstanceId,
    settings: Arc<Settings>,
    origin: Instant,
    entries: Mutex<HashMap<TaskKey, Arc<Handle>>>,
    recent: Mutex<Recent>,
    tickets: AtomicU64,
    /// How many agents run.
    running: AtomicUsize,
    /// How many bytes the rings of all actors take.
    ring_bytes: AtomicUsize,
    max_ring_bytes: usize,
    /// Notified whenever an agent has ended.
    ended: Notify,
    /// Set once this instance stops.
    leave: OnceLock<Leave>,
    pub(super) timers: Timers,
}

/// How far the tasks got whose actors ended lately.
#[derive(Debug, Default)]
struct Recent {
    versions: HashMap<TaskKey, Version>,
    order: VecDeque<TaskKey>,
}

impl Actors {
    pub(crate) fn new(me: InstanceId, settings: Settings, max_ring_bytes: usize) -> Self {
        Actors {
            me,
            settings: Arc::new(settings),
            origin: Instant::now(),
            entries: Mutex::new(HashMap::default()),
            recent: Mutex::default(),
            tickets: AtomicU64::new(0),
            running: AtomicUsize::new(0),
            ring_bytes: AtomicUsize::new(0),
            max_ring_bytes,
            ended: Notify::new(),
            leave: OnceLock::new(),
            timers: Timers::default(),
        }
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

    fn get_or_begin(&self, key: &TaskKey) -> Arc<Handle> {
        let mut entries = self.entries();
        if let Some(handle) = entries.get(key) {
            return Arc::clone(handle);
        }
        let actor = Actor::new(self.me, Arc::clone(&self.settings)).leaving(self.leave.get().copied());
        let handle = Arc::new(Handle::new(key.clone(), actor));
        entries.insert(key.clone(), Arc::clone(&handle));
        handle
    }

    /// Removes an actor that has ended.
    pub(super) fn forget(&self, handle: &Arc<Handle>, version: Version) {
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
                self.ended.notify_waiters();
            }
            _ => {}
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

    /// The tasks on which agents run, or are being dropped.
    pub(crate) fn busy(&self) -> Vec<TaskKey> {
        let handles = self.all();
        let busy = handles.into_iter().filter(|handle| handle.look(Actor::is_busy) == Some(true));
        busy.map(|handle| handle.key().clone()).collect()
    }

    /// Waits until no agent runs. Cancel safe.
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

    /// Drops whatever is left when this instance has closed, and notes for others which tasks it had. Returns those
    /// whose agents could not be stopped.
    pub(crate) fn end(instance: &Arc<Instance>) -> Vec<TaskKey> {
        let handles = instance.actors.all();
        let mut not_stopped = Vec::new();
        for handle in handles {
            if handle.has_agent() {
                not_stopped.push(handle.key().clone());
            }
            if handle.look(Actor::may_have_task) == Some(true) {
                instance.leave_unattended(handle.key());
            }
            drive(instance, &handle, Input::Leave(Leave::Evicted));
        }
        not_stopped
    }

    /// The version of a task whose actor ended here lately: a watcher may ask just too late.
    pub(crate) fn ended_at(&self, key: &TaskKey) -> Option<Version> {
        self.recent().versions.get(key).copied()
    }

    /// Tells all actors, those that come later too, that this instance stops.
    fn leave(instance: &Arc<Instance>, leave: Leave) {
        let leave = *instance.actors.leave.get_or_init(|| leave);
        Actors::tell_all(instance, &Input::Leave(leave));
    }

    /// Tells all actors the same.
    fn tell_all(instance: &Arc<Instance>, input: &Input) {
        let handles = instance.actors.all();
        for handle in handles {
            drive(instance, &handle, input.clone());
        }
    }
}

/// Tells the actors what concerns all of them, until the instance closes: that it is cut off from its store, that others
/// reach it in another way, that it stops.
pub(crate) async fn keep_told(instance: Arc<Instance>) {
    let mut beats = instance.liveness.clock();
    let (mut is_cut_off, mut reach) = (false, instance.connection.reach());
    loop {
        let changed = instance.connection.reach_changed();
        if reach != instance.connection.reach() {
            reach = instance.connection.reach();
            Actors::tell_all(&instance, &Input::ReachChanged);
        }
        if is_cut_off != instance.liveness.is_cut_off() {
            is_cut_off = !is_cut_off;
            Actors::tell_all(&instance, &Input::CutOff(is_cut_off));
        }
        tokio::select! {
            biased;
            () = instance.stopping.cancelled() => break,
            () = instance.liveness.cut_off(), if !is_cut_off => {}
            // A beat was answered again.
            _ = beats.changed(), if is_cut_off => {}
            () = changed => {}
        }
    }
    stop_all(&instance);
}

/// Tells all actors, those that come later too, that this instance stops. Idempotent.
pub(crate) fn stop_all(instance: &Arc<Instance>) {
    let leave = match instance.config.executor_lost {
        _ if instance.is_evicted() => Leave::Evicted,
        ExecutorLost::Fail => Leave::Fail,
        ExecutorLost::Resume { .. } => Leave::HandOver,
    };
    Actors::leave(instance, leave);
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

impl Instance {
    /// Tells the actor of a task something; it comes to be if it has to.
    pub(crate) fn tell_actor(self: &Arc<Self>, key: &TaskKey, input: Input) -> Arc<Handle> {
        let mut input = input;
        loop {
            let handle = self.actors.get_or_begin(key);
            let mut fx = handle.take_spare();
            match handle.step(self, input, |_| {}, &mut fx) {
                Ok(()) => {
                    perform(self, &handle, fx, Place::Shared);
                    return handle;
                }
                // It ended between the look-up and the step; the next one is another.
                Err(Ended(again)) => input = *again,
            }
        }
    }

    /// Asks the actor of a task for something, and returns where the answer will be. Dropping that is to lose interest.
    pub(crate) fn ask_actor(
        self: &Arc<Self>,
        key: &TaskKey,
        deposit: Option<Deposit>,
        input: impl FnOnce(Ticket) -> Input,
    ) -> Answer {
        let ticket = Ticket(self.actors.tickets.fetch_add(1, Ordering::Relaxed));
        let (sender, receiver) = oneshot::channel();
        let mut waits = Some((sender, deposit));
        let mut input = input(ticket);
        loop {
            let handle = self.actors.get_or_begin(key);
            if let Some((_, Some(deposit))) = &waits {
                handle.counts_for(deposit.permit.load());
            }
            let mut fx = handle.take_spare();
            let prepare = |state: &mut super::handle::State| {
                if let Some((sender, deposit)) = waits.take() {
                    state.deposit(ticket, sender, deposit);
                }
            };
            match handle.step(self, input, prepare, &mut fx) {
                Ok(()) => {
                    perform(self, &handle, fx, Place::Request(ticket));
                    let instance = Arc::clone(self);
                    return Answer { instance, handle, ticket, receiver: Some(receiver), reads: false };
                }
                Err(Ended(again)) => input = *again,
            }
        }
    }

    /// Tells whether this instance works on a task, or delivers what its webhooks lack.
    pub(crate) fn has_task(&self, key: &TaskKey) -> bool {
        self.actors.get(key).and_then(|handle| handle.look(Actor::has_task)).unwrap_or(false)
    }

    /// Opens a stream on a task.
    pub(crate) fn attach(self: &Arc<Self>, key: &TaskKey, joined: bool) -> Reader {
        let handle = self.tell_actor(key, Input::Attach { joined });
        Reader::of(self, handle, joined)
    }
}

/// An answer that an actor will give.
pub(crate) struct Answer {
    instance: Arc<Instance>,
    handle: Arc<Handle>,
    ticket: Ticket,
    receiver: Option<oneshot::Receiver<Reply>>,
    /// An answer of `Open` is a stream's hold, too.
    reads: bool,
}

impl Answer {
    /// Waits for the answer. Cancel safe until it is there.
    pub(crate) async fn reply(self) -> Reply {
        self.reply_and_reader().await.0
    }

    /// Waits for the answer to a message that asked to read once the task is claimed.
    pub(crate) async fn opened(mut self) -> (Reply, Option<Reader>) {
        self.reads = true;
        self.reply_and_reader().await
    }

    async fn reply_and_reader(mut self) -> (Reply, Option<Reader>) {
        let Some(receiver) = &mut self.receiver else { return (Reply::Stopped, None) };
        let reply = receiver.await.unwrap_or(Reply::Stopped);
        self.receiver = None;
        let opened = self.reads && matches!(reply, Reply::Open(_));
        (reply, opened.then(|| self.reader()))
    }

    /// The hold of a stream that attached with its request.
    pub(crate) fn reader(&self) -> Reader {
        Reader::of(&self.instance, Arc::clone(&self.handle), true)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let Some(mut receiver) = self.receiver.take() else { return };
        drive(&self.instance, &self.handle, Input::Abandon(self.ticket));
        if self.reads && matches!(receiver.try_recv(), Ok(Reply::Open(_))) {
            drop(self.reader());
        }
    }
}

/// Tells an actor what the store has of its task, where it knew more when the store was asked.
pub(super) fn found(instance: &Arc<Instance>, handle: &Arc<Handle>, known: Option<Known>, version: Version) {
    if let Some(known) = known.filter(|known| version < known.version) {
        drive(instance, handle, Input::Found(known, version));
    }
}

/// A stream's hold on an actor.
pub(crate) struct Reader {
    instance: Arc<Instance>,
    handle: Arc<Handle>,
    joined: bool,
    /// Which task of this id it reads.
    life: u32,
}

impl Reader {
    fn of(instance: &Arc<Instance>, handle: Arc<Handle>, joined: bool) -> Self {
        let life = handle.look(Actor::life).unwrap_or_default();
        Reader { instance: Arc::clone(instance), handle, joined, life }
    }

    /// Begins to read from the ring, after what the stream's own read of the store showed.
    pub(super) fn join(&mut self, input: Input) {
        self.joined = true;
        drive(&self.instance, &self.handle, input);
        self.life = self.handle.look(Actor::life).unwrap_or_default();
    }

    /// Tells whether the task that it reads is gone, whatever came after that.
    pub(super) fn is_over(&self) -> bool {
        self.handle.look(Actor::life) != Some(self.life)
    }

    /// Tells the actor what the store has of the task, where it knew more before.
    pub(super) fn found(&self, known: Option<Known>, version: Version) {
        found(&self.instance, &self.handle, known, version);
    }
}

impl std::ops::Deref for Reader {
    type Target = Arc<Handle>;

    fn deref(&self) -> &Arc<Handle> {
        &self.handle
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drive(&self.instance, &self.handle, Input::Detach { joined: self.joined });
    }
}
