//! A run: one agent working on one task, on this instance, detached from whoever asked for it.
//!
//! The life of a run, in five steps: it *listens* to the agent and to cancels; it *digests* what it heard
//! into events; it *commits* them, gathering more meanwhile; it *publishes* them to the feed; and when the
//! turn is over, or somebody else has the task, it *ends*. Nothing is shown to anyone before it is committed.

mod digest;
mod drive;
mod ear;
mod pace;
mod publisher;
mod recent;
mod voice;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a::{A2AError, Message, Task};
use a2a_core::{Claim, InstanceId, Principal, Recipient, TaskKey, Tip, Version};
use a2a_server::{ExecutorContext, ServiceParams};
use foldhash::HashMap;
use futures::FutureExt;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

pub(crate) use digest::{canceled, failed};
pub(crate) use publisher::Publisher;
pub(crate) use voice::Voice;

use crate::instance::Instance;
use crate::telemetry::{self, trace};
use crate::webhook;

/// What whoever started a run waits for.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The task exists; its feed has the rest.
    Open,
    /// The task, as far as was asked for.
    Task(Box<Task>),
    /// The agent only answered with a message; there is no task.
    Message(Message),
    /// The agent, or this instance, refused; there is no task.
    Refused(A2AError),
    /// Another writer has the task now; follow it. With the task as it was to be created, where that is what failed.
    Lost(Option<Box<Task>>),
}

/// When whoever started a run is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerAt {
    /// Once the task exists, without a copy of it.
    Opening,
    /// Once the task exists, with it as it is then.
    Creation,
    /// Once the turn ends, with the task as it is then.
    TurnEnd,
}

/// What a run is told from outside.
#[derive(Debug)]
pub(crate) enum Control {
    /// A caller of this instance, or of another, wants the task cancelled.
    Cancel(InstanceId),
    /// Somebody else may have committed to the task.
    Check,
}

/// A run, as the rest of the instance sees it.
#[derive(Debug)]
pub(crate) struct RunHandle {
    control: mpsc::Sender<Control>,
    /// The last version that this run knows to be applied.
    version: AtomicU64,
    publisher: Publisher,
    /// The place of this run in the trace of whoever started it.
    trace: Option<trace::Trace>,
    /// Cancelled to end the run without a trace: its task was claimed anew.
    superseded: CancellationToken,
    /// Cancelled when the run has ended.
    done: CancellationToken,
}

impl RunHandle {
    /// Tells the run something. Repeating it does no harm.
    pub(crate) fn tell(&self, command: Control) {
        // A full queue means that the run is busy; whoever insists repeats it.
        let _ = self.control.try_send(command);
    }

    /// Ends the run without a commit, and waits until it has.
    pub(crate) async fn supersede(&self) {
        self.superseded.cancel();
        self.done.cancelled().await;
    }

    /// Completes when the run has ended. Cancel safe.
    pub(crate) async fn ended(&self) {
        self.done.cancelled().await;
    }

    pub(crate) fn version(&self) -> Version {
        Version::new(self.version.load(Ordering::Acquire))
    }

    fn applied(&self, version: Version) {
        self.version.store(version.get(), Ordering::Release);
    }

    /// Sends a watcher everything after a version, and goes on sending.
    pub(crate) fn watch(&self, instance: &Arc<Instance>, key: &TaskKey, who: Recipient, after: Version) {
        let start = self.publisher.add(instance, key, self.version(), &self.done, who, after);
        if let Some(publishing) = start {
            instance.tracker.spawn(trace::within(self.trace, publishing));
        }
    }

    /// Stops sending to a watcher.
    pub(crate) fn unwatch(&self, who: InstanceId) {
        self.publisher.remove(who);
    }
}

/// The runs of an instance.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    entries: Mutex<HashMap<TaskKey, Arc<RunHandle>>>,
    ended: Notify,
    recent: Mutex<recent::Recent>,
}

impl Runs {
    fn entries(&self) -> MutexGuard<'_, HashMap<TaskKey, Arc<RunHandle>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &TaskKey) -> Option<Arc<RunHandle>> {
        self.entries().get(key).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries().len()
    }

    /// The tasks of all runs.
    pub(crate) fn keys(&self) -> Vec<TaskKey> {
        let mut keys: Vec<_> = self.entries().keys().cloned().collect();
        keys.sort_unstable();
        keys
    }

    fn insert(&self, key: TaskKey, handle: Arc<RunHandle>) {
        self.entries().insert(key, handle);
    }

    fn remove(&self, key: &TaskKey, handle: &Arc<RunHandle>) {
        let mut entries = self.entries();
        if entries.get(key).is_some_and(|current| Arc::ptr_eq(current, handle)) {
            entries.remove(key);
            self.recent().ended(key, handle.version());
        }
        self.ended.notify_waiters();
    }

    fn recent(&self) -> MutexGuard<'_, recent::Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the version that a run reached which ended here lately: a watcher may ask just too late.
    pub(crate) fn ended_at(&self, key: &TaskKey) -> Option<Version> {
        self.recent().version_of(key)
    }

    /// Waits until no run is left. Cancel safe.
    pub(crate) async fn drained(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.len() == 0 {
                return;
            }
            ended.await;
        }
    }
}

/// Everything that a run begins with.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) key: TaskKey,
    /// The task as of `tip`; where it is absent, as it is to be created.
    pub(crate) task: Task,
    pub(crate) tip: Tip,
    /// The claim under which the agent runs, where a commit has made it already.
    pub(crate) claim: Option<Claim>,
    pub(crate) principal: Option<Principal>,
    /// Watchers that the store knows; they lack everything after the version given.
    pub(crate) watchers: Vec<(InstanceId, Version)>,
    pub(crate) answer_at: AnswerAt,
    /// The agent was asked to cancel already; it is all that it does.
    pub(crate) cancelling: bool,
    /// The task may have push notification configs.
    pub(crate) webhooks: bool,
}

/// Starts an agent, lets it go as far as it gets without waiting, and detaches it. The receiver is answered as the
/// assignment says; it may be dropped.
pub(crate) fn start(
    instance: &Arc<Instance>,
    assignment: Assignment,
    begin: impl FnOnce(&Instance) -> Voice,
) -> oneshot::Receiver<Reply> {
    let (reply, answer) = oneshot::channel();
    let (control, commands) = mpsc::channel(4);
    let trace = trace::current().map(|cause| cause.child(&*instance.env));
    let handle = Arc::new(RunHandle {
        control,
        version: AtomicU64::new(assignment.tip.version.get()),
        publisher: Publisher::default(),
        trace,
        superseded: CancellationToken::new(),
        done: CancellationToken::new(),
    });
    instance.runs.insert(assignment.key.clone(), Arc::clone(&handle));
    for (watcher, after) in &assignment.watchers {
        handle.watch(instance, &assignment.key, Recipient::direct(*watcher), *after);
    }
    let span = telemetry::run(instance, &assignment.key, assignment.tip.version, trace);
    if assignment.webhooks && instance.declares_webhooks() {
        webhook::attend(instance, &assignment.key);
    }
    let voice = begin(instance);
    let waits_for_agent = assignment.answer_at != AnswerAt::Creation;
    let (key, ending) = (assignment.key.clone(), (Arc::clone(instance), Arc::clone(&handle)));
    let run = drive::Run::new(Arc::clone(instance), assignment, handle, commands, voice, reply);
    let run = async move {
        let (instance, handle) = ending;
        if instance.closing.run_until_cancelled(run.drive()).await.is_none() {
            // The instance has no more time: what the run was doing may or may not be done.
            instance.leave_unattended(&key);
            instance.runs.remove(&key, &handle);
            handle.done.cancel();
        }
    };
    let mut run = Box::pin(trace::within(trace, run).instrument(span));
    // What is over without waiting needs no task of its own, nor another thread that wakes up for it.
    let is_over = waits_for_agent && run.as_mut().now_or_never().is_some();
    if !is_over {
        instance.tracker.spawn(run);
    }
    answer
}

/// The context of an agent's cancel.
pub(crate) fn cancel_context(key: &TaskKey, task: &Task) -> ExecutorContext {
    ExecutorContext {
        message: None,
        task_id: task.id.clone(),
        stored_task: Some(task.clone()),
        context_id: task.context_id.clone(),
        metadata: None,
        user: None,
        service_params: ServiceParams::new(),
        tenant: (!key.tenant.as_str().is_empty()).then(|| key.tenant.as_str().to_owned()),
    }
}
