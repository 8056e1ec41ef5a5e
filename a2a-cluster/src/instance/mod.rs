//! One incarnation of a server: what all its parts share under one instance id, and the ways to stop.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use a2a::A2AError;
use a2a_core::{BackendError, BusMessage, InstanceId, News, Replay, TaskKey, Version};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::actor::Actors;
use crate::actor::core::Settings;
use crate::admission::{Admission, Permit};
use crate::bindings::unavailable::unavailable;
use crate::caller::Caller;
use crate::config::ExecutorLost;
use crate::connection::Connection;
use crate::error;
use crate::liveness::Liveness;
use crate::members::Suspects;
use crate::outbox::{Hint, Outbox};
use crate::retry::Retry;
use crate::setup::Setup;
use crate::telemetry::{Health, trace};
use crate::webhook::Couriers;

/// What a client that met a stopping instance is told to wait: another one is a connection away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

const STOPS: &str = "this instance is shutting down";
const EVICTED: &str = "this instance lost its place in the cluster; try again";
const TOO_BUSY: &str = "this instance has as much to do as it takes on; try again";
const CUT_OFF: &str = "this instance cannot reach its store; try again";

/// One incarnation, shared by its runs, its streams and its background tasks. A request takes the current one once
/// and stays with it.
pub(crate) struct Instance {
    setup: Arc<Setup>,
    pub(crate) id: InstanceId,
    pub(crate) connection: Connection,
    pub(crate) actors: Actors,
    pub(crate) couriers: Couriers,
    pub(crate) liveness: Liveness,
    pub(crate) health: Health,
    pub(crate) suspects: Suspects,
    /// Tasks of which this instance may hold a claim although nobody here works on them: left to others by a
    /// shutdown, or claimed by a commit whose outcome is unknown.
    unattended: Mutex<BTreeSet<TaskKey>>,
    /// Every background task of this instance.
    pub(crate) tracker: TaskTracker,
    /// Cancelled when no new work is taken.
    pub(crate) draining: CancellationToken,
    /// Cancelled when agents and streams must end.
    pub(crate) stopping: CancellationToken,
    /// Cancelled when the background tasks must end.
    pub(crate) closing: CancellationToken,
    pub(crate) outbox: Outbox,
    pub(crate) admission: Admission,
    stop_reason: OnceLock<&'static str>,
}

/// The setup is the same for every incarnation, so its parts are read as if they were the instance's own.
impl Deref for Instance {
    type Target = Setup;

    fn deref(&self) -> &Setup {
        &self.setup
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Instance {
    /// Draws an id. The instance has not joined yet, and nothing of it runs.
    pub(crate) fn new(setup: &Arc<Setup>) -> Arc<Self> {
        let id = InstanceId::generate(&*setup.env);
        let instance = Instance {
            id,
            connection: Connection::new(setup.bus.clone()),
            actors: Actors::new(id, settings(setup), setup.config.feed_total_bytes),
            couriers: Couriers::new(&setup.config.webhooks, setup.allow_local_webhooks),
            liveness: Liveness::new(),
            health: Health::new(),
            suspects: Suspects::default(),
            unattended: Mutex::default(),
            tracker: TaskTracker::new(),
            draining: CancellationToken::new(),
            stopping: CancellationToken::new(),
            closing: CancellationToken::new(),
            outbox: Outbox::default(),
            admission: Admission::new(&setup.config),
            stop_reason: OnceLock::new(),
            setup: Arc::clone(setup),
        };
        Arc::new(instance)
    }

    /// Sends a hint to another instance. It is dropped when too many wait: hints may be lost.
    pub(crate) fn tell(&self, to: InstanceId, task: &TaskKey, news: News) {
        if to == self.id {
            return;
        }
        if !self.connection.is_connected() {
            return;
        }
        let trace = trace::header(&*self.env);
        let message = BusMessage { from: self.id, task: task.clone(), news, trace };
        if !self.outbox.push(Hint { to, message }) {
            self.meters.hints_dropped.increment(1);
            tracing::debug!(%to, "a hint to another instance was dropped: the outbox is full");
        }
    }

    /// A retry that lasts as long as this instance runs agents and streams.
    pub(crate) fn retry_until_stopped(&self) -> Retry<'_> {
        Retry::new(self, &self.stopping, None)
    }

    /// A retry that lasts as long as a caller waits.
    pub(crate) fn retry_for_request(&self) -> Retry<'_> {
        Retry::new(self, &self.closing, Some(self.config.request_patience))
    }

    /// Reads later commits, however long the store is away.
    pub(crate) async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay, A2AError> {
        self.retry_until_stopped()
            .run(|| self.tasks.commits_after(key, after))
            .await
            .map_err(|e| self.error(e))
    }

    /// Logs a backend's failure and turns it into what a client may know.
    pub(crate) fn error(&self, failure: BackendError) -> A2AError {
        if self.stopping.is_cancelled() { self.stop_reason() } else { error::to_client(failure) }
    }

    /// Notes a task of which this instance may hold a claim that nobody here looks after.
    pub(crate) fn leave_unattended(&self, key: &TaskKey) {
        self.unattended.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
    }

    /// Takes what was noted.
    pub(crate) fn take_unattended(&self) -> BTreeSet<TaskKey> {
        std::mem::take(&mut *self.unattended.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What streams and callers are told when this instance stops serving.
    pub(crate) fn stop_reason(&self) -> A2AError {
        refusal(self.stop_reason.get().copied().unwrap_or(STOPS))
    }

    /// What streams are told when this instance is cut off from the store.
    pub(crate) fn cut_off_reason(&self) -> A2AError {
        refusal(CUT_OFF)
    }

    /// What whoever sent a message is told where nobody knows what became of it: its agent may well go on, so that it must
    /// not be asked to do its work again.
    pub(crate) fn unknown_end(&self, key: &TaskKey) -> A2AError {
        A2AError::internal(format!(
            "it is not known what became of the message; read the task {} instead of sending it again",
            key.task_id
        ))
    }

    /// What a caller is told whom this instance does not take on now.
    pub(crate) fn too_busy(&self) -> A2AError {
        refusal(TOO_BUSY)
    }

    /// Refuses new work once this instance drains, and while it may have been declared dead.
    pub(crate) fn check_serving(&self) -> Result<(), A2AError> {
        if self.draining.is_cancelled() {
            Err(self.stop_reason())
        } else if self.liveness.is_fresh(self.config.lease) {
            Ok(())
        } else {
            Err(self.cut_off_reason())
        }
    }

    /// Admits a request that needs an agent, or refuses it with a time to retry after: without a wait, and without a
    /// call of the store.
    pub(crate) fn admit(&self, caller: &Caller) -> Result<Permit, A2AError> {
        self.admission.admit(caller, self.actors.running()).map_err(|full| {
            self.meters.not_admitted(full);
            self.too_busy()
        })
    }

    /// Ends agents and streams: others have declared this instance dead, and take its tasks over.
    pub(crate) fn evicted(&self) {
        self.meters.evicted.increment(1);
        tracing::error!(instance = %self.id, "this instance was evicted; it ends, and joins again under a new id");
        // A shutdown that is under way has given its own reason.
        let _ = self.stop_reason.set(EVICTED);
        self.draining.cancel();
        self.stopping.cancel();
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.stop_reason.get() == Some(&EVICTED)
    }

    /// Stops everything at once, without a word to others.
    pub(crate) fn abandon(&self) {
        self.draining.cancel();
        self.stopping.cancel();
        self.closing.cancel();
        self.tracker.close();
    }
}

/// What of the configuration an actor goes by.
fn settings(setup: &Setup) -> Settings {
    let config = &setup.config;
    Settings {
        creation_delay: config.creation_delay,
        commit_spacing: setup.commit_spacing(),
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
        ring_commits: config.feed_commits,
        ring_bytes: config.feed_bytes,
        depth: config.limits.depth,
        attempts: match config.executor_lost {
            ExecutorLost::Fail => 0,
            ExecutorLost::Resume { max_attempts } => max_attempts,
        },
        webhooks: setup.declares_webhooks(),
    }
}

fn refusal(reason: &str) -> A2AError {
    A2AError { message: reason.to_owned(), ..unavailable(RETRY_AFTER) }
}
