//! What all parts of one instance share: backends, registries, and the ways to stop.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use a2a::{A2AError, AgentCard};
use a2a_core::{
    BackendError, BusMessage, Env, EventBus, InstanceId, Membership, News, PushConfigs, Replay, TaskKey,
    TaskStore, Version,
};
use a2a_server::{AgentExecutor, ExtendedAgentCardResolver};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bindings::unavailable::unavailable;
use crate::caller::CallerResolver;
use crate::cancel::{Answer, Answers};
use crate::config::Config;
use crate::error;
use crate::feed::Feeds;
use crate::liveness::Liveness;
use crate::members::Suspects;
use crate::retry::Retry;
use crate::run::Runs;
use crate::telemetry::{Health, Meters, trace};
use crate::webhook::Couriers;

/// What a client that met a stopping instance is told to wait: another one is a connection away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

const EVICTED: &str = "this instance lost its place in the cluster; subscribe again on another";

/// One instance, shared by its handler, its runs and its background tasks.
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) label: Option<String>,
    pub(crate) agent: Arc<dyn AgentExecutor>,
    pub(crate) card: AgentCard,
    pub(crate) extended_card: Option<Arc<dyn ExtendedAgentCardResolver>>,
    pub(crate) tasks: Arc<dyn TaskStore>,
    pub(crate) members: Arc<dyn Membership>,
    pub(crate) push: Arc<dyn PushConfigs>,
    pub(crate) bus: Arc<dyn EventBus>,
    pub(crate) callers: Arc<dyn CallerResolver>,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) config: Config,
    pub(crate) allow_local_webhooks: bool,
    pub(crate) feeds: Arc<Feeds>,
    pub(crate) runs: Runs,
    pub(crate) couriers: Couriers,
    pub(crate) answers: Answers,
    pub(crate) liveness: Liveness,
    pub(crate) health: Health,
    pub(crate) meters: Meters,
    pub(crate) suspects: Suspects,
    /// Every background task of this instance.
    pub(crate) tracker: TaskTracker,
    /// Cancelled when no new work is taken.
    pub(crate) draining: CancellationToken,
    /// Cancelled when agents and streams must end.
    pub(crate) stopping: CancellationToken,
    /// Cancelled when the background tasks must end.
    pub(crate) closing: CancellationToken,
    pub(crate) outbox: mpsc::Sender<Letter>,
    pub(crate) stop_reason: OnceLock<&'static str>,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A small message on its way to the bus, off everybody's path.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) to: InstanceId,
    pub(crate) message: BusMessage,
}

impl Instance {
    /// Sends a hint to another instance. It is dropped when too many wait: hints may be lost.
    pub(crate) fn tell(&self, to: InstanceId, task: &TaskKey, news: News) {
        if to == self.id {
            // Only answers to cancels go from a part of this instance to another.
            match news {
                News::Cancelling => self.answers.record(task, Answer::Heard),
                News::CancelRefused => self.answers.refuse(task),
                _ => {}
            }
            return;
        }
        let trace = trace::header(&*self.env);
        let message = BusMessage { from: self.id, task: task.clone(), news, trace };
        if self.outbox.try_send(Letter { to, message }).is_err() {
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

    /// Tells whether tasks may have push notification configs.
    pub(crate) fn declares_webhooks(&self) -> bool {
        self.card.capabilities.push_notifications == Some(true)
    }

    /// Completes when agents and streams must end.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + use<> {
        self.stopping.clone().cancelled_owned()
    }

    /// What streams and callers are told when this instance stops serving.
    pub(crate) fn stop_reason(&self) -> A2AError {
        let reason = self.stop_reason.get().copied().unwrap_or("this instance is shutting down");
        A2AError { message: reason.to_owned(), ..unavailable(RETRY_AFTER) }
    }

    /// Refuses new work once this instance drains, and while it may have been declared dead.
    pub(crate) fn check_serving(&self) -> Result<(), A2AError> {
        if self.is_serving() { Ok(()) } else { Err(self.stop_reason()) }
    }

    pub(crate) fn is_serving(&self) -> bool {
        !self.draining.is_cancelled() && self.liveness.is_fresh(Instant::now(), self.config.lease)
    }

    /// Ends agents and streams: others have declared this instance dead, and take its tasks over.
    pub(crate) fn evicted(&self) {
        self.meters.evicted.increment(1);
        tracing::error!(instance = %self.id, "this instance was evicted; it stops serving");
        // A shutdown that is under way has given its own reason.
        let _ = self.stop_reason.set(EVICTED);
        self.draining.cancel();
        self.stopping.cancel();
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.stop_reason.get() == Some(&EVICTED)
    }
}
