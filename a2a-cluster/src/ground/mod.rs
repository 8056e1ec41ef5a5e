//! The ground that everything else of an instance stands on: its id, settings, clock and chance, meters, ways to stop, and
//! the store and the bus with what makes calls of them patient and counted. It knows no task, no agent and no request.

mod commit;
mod config;
mod config_check;
mod connection;
mod error;
mod give_way;
mod limits;
mod liveness;
mod outbox;
mod pressure;
pub(crate) mod refusals;
mod retry;
mod settings;
mod setup;
mod signal;
mod stop;
pub mod telemetry;
mod unattended;
mod webhook_keys;
mod webhooks;

use std::ops::Deref;
use std::sync::Arc;

use a2a::A2AError;
use a2a_core::{
    BackendError, BusMessage, Delivery, InstanceId, News, Recipient, Replay, Result, TaskKey, Version,
};
use tokio_util::task::TaskTracker;

pub use config::{Config, ExecutorLost, MessageIds};
pub(crate) use connection::Connection;
pub(crate) use error::{Chain, to_client, warn_of};
pub(crate) use give_way::{give_way, wake_those_who_gave_way};
pub use limits::Limits;
pub(crate) use liveness::Liveness;
pub(crate) use outbox::{Hint, Outbox};
pub(crate) use pressure::StorePressure;
pub(crate) use retry::{Retry, bounded, jittered};
pub(crate) use setup::Setup;
pub(crate) use signal::{Listener, Signal};
pub(crate) use stop::Stop;
use telemetry::{Health, trace};
use unattended::Unattended;
pub use webhook_keys::{WebhookKeyError, WebhookKeys};
pub use webhooks::{WebhookDetail, Webhooks};

/// What one incarnation of a server stands on. The parts of an instance share it, and know each other from above only.
pub(crate) struct Ground {
    setup: Arc<Setup>,
    pub(crate) id: InstanceId,
    pub(crate) connection: Connection,
    pub(crate) outbox: Outbox,
    pub(crate) liveness: Liveness,
    pub(crate) health: Health,
    pub(crate) stop: Stop,
    pub(crate) unattended: Unattended,
    /// Every background task of this instance.
    pub(crate) tracker: TaskTracker,
}

/// The setup is the same for every incarnation, so its parts are read as if they were this one's own.
impl Deref for Ground {
    type Target = Setup;

    fn deref(&self) -> &Setup {
        &self.setup
    }
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Ground {
    /// Draws an id. Nothing has joined yet, and nothing runs.
    pub(crate) fn new(setup: &Arc<Setup>) -> Arc<Self> {
        Arc::new(Ground {
            id: InstanceId::generate(&*setup.env),
            connection: Connection::new(setup.bus.clone()),
            outbox: Outbox::default(),
            liveness: Liveness::new(),
            health: Health::new(),
            stop: Stop::new(),
            unattended: Unattended::default(),
            tracker: TaskTracker::new(),
            setup: Arc::clone(setup),
        })
    }

    /// Queues a hint for another instance. It is dropped when too many wait: hints may be lost.
    pub(crate) fn tell(&self, to: InstanceId, task: &TaskKey, news: News) {
        if to == self.id || !self.connection.is_connected() {
            return;
        }
        let trace = trace::header(&*self.env);
        let message = BusMessage { from: self.id, task: task.clone(), news, trace };
        if !self.outbox.push(Hint { to, message }) {
            self.meters.hints_dropped.increment(1);
            tracing::debug!(%to, "a hint to another instance was dropped: the outbox is full");
        }
    }

    /// Sends a message to others. Without an endpoint it goes nowhere, as a bus may lose anything.
    pub(crate) async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        let Some(endpoint) = self.connection.endpoint() else { return Ok(Delivery::default()) };
        let sent = endpoint.send(to, message).await;
        match &sent {
            Ok(_) => self.meters.sent(&message.news),
            Err(_) => self.meters.bus_failures.increment(1),
        }
        sent
    }

    /// A retry that lasts as long as this instance runs agents and streams.
    pub(crate) fn retry_until_stopped(&self) -> Retry<'_> {
        Retry::new(self, &self.stop.stopping, None)
    }

    /// A retry that lasts as long as a caller waits.
    pub(crate) fn retry_for_request(&self) -> Retry<'_> {
        Retry::new(self, &self.stop.closing, Some(self.config.request_patience))
    }

    /// Reads later commits, however long the store is away.
    pub(crate) async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay, A2AError> {
        let retry = self.retry_until_stopped();
        retry.run(|| self.tasks.commits_after(key, after)).await.map_err(|failure| self.error(failure))
    }

    /// Logs a backend's failure and turns it into what a client may know.
    pub(crate) fn error(&self, failure: BackendError) -> A2AError {
        if self.stop.stopping.is_cancelled() { self.stop.reason() } else { error::to_client(failure) }
    }

    /// Refuses new work once this instance drains, and while it may have been declared dead.
    pub(crate) fn check_serving(&self) -> Result<(), A2AError> {
        if self.stop.draining.is_cancelled() {
            Err(self.stop.reason())
        } else if self.liveness.is_fresh(self.config.lease) {
            Ok(())
        } else {
            Err(error::cut_off())
        }
    }

    /// What streams are told when this instance is cut off from the store.
    pub(crate) fn cut_off_reason(&self) -> A2AError {
        error::cut_off()
    }

    /// What a caller is told whom this instance does not take on now.
    pub(crate) fn too_busy(&self) -> A2AError {
        error::too_busy()
    }

    /// What whoever sent a message is told where nobody knows what became of it: its agent may well go on, so that it must
    /// not be asked to do its work again.
    pub(crate) fn unknown_end(&self, key: &TaskKey) -> A2AError {
        error::unknown_end(key)
    }

    /// Ends agents and streams: others have declared this instance dead, and take its tasks over.
    pub(crate) fn evicted(&self) {
        self.meters.evicted.increment(1);
        tracing::error!(instance = %self.id, "this instance was evicted; it ends, and joins again under a new id");
        self.stop.evict();
    }

    /// Stops everything at once, without a word to others.
    pub(crate) fn abandon(&self) {
        self.stop.all();
        self.tracker.close();
    }
}
