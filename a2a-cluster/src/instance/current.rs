//! The incarnation that serves now. When it is evicted, the next one joins under a new id and takes its place, behind
//! the same handler.

use std::sync::{Arc, PoisonError, RwLock};

use a2a_core::{BackendError, Beat, Member};
use thiserror::Error;
use tokio::task::unconstrained;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Instance, Service, bus_loop, connect, keep_awake};
use crate::ground::{Chain, Setup, jittered};
use crate::{actor, members};

/// Why an incarnation could not join.
#[derive(Debug, Error)]
pub(crate) enum JoinError {
    /// The store is in a format that this build does not know, or was not set up.
    #[error("the store cannot be used")]
    Format(#[source] BackendError),
    /// The store refused the first calls.
    #[error("the instance could not join the cluster")]
    Join(#[source] BackendError),
}

/// Holds the current incarnation, and sees to it that there is one.
#[derive(Debug)]
pub(crate) struct Current {
    setup: Arc<Setup>,
    service: Arc<Service>,
    instance: RwLock<Arc<Instance>>,
    /// What outlives an incarnation: the wait for the next one, and the end of each that was evicted.
    tracker: TaskTracker,
    /// Cancelled when no other incarnation is to come.
    ending: CancellationToken,
}

impl Current {
    /// Joins the cluster and serves.
    pub(crate) async fn start(setup: Arc<Setup>, service: Arc<Service>) -> Result<Arc<Self>, JoinError> {
        let instance = Instance::new(&setup, &service);
        join(&instance).await?;
        serve(&instance);
        let current = Arc::new(Current {
            setup,
            service,
            instance: RwLock::new(instance),
            tracker: TaskTracker::new(),
            ending: CancellationToken::new(),
        });
        current.tracker.spawn(Arc::clone(&current).follow_up());
        Ok(current)
    }

    /// The incarnation that serves now. A request asks once, and stays with the answer.
    pub(crate) fn get(&self) -> Arc<Instance> {
        Arc::clone(&self.instance.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sees to it that no other incarnation comes.
    pub(crate) fn end(&self) {
        self.ending.cancel();
        self.tracker.close();
    }

    /// Waits until nothing is left of earlier incarnations. Cancel safe.
    pub(crate) async fn ended(&self) {
        self.tracker.wait().await;
    }

    /// Replaces each incarnation that is evicted.
    async fn follow_up(self: Arc<Self>) {
        loop {
            let evicted = self.get();
            tokio::select! {
                biased;
                () = self.ending.cancelled() => return,
                () = evicted.ground.stop.stopping.cancelled() => {}
            }
            // An agent that blocks holds up its own incarnation's end only.
            let before = evicted.ground.id;
            self.tracker.spawn(end(evicted));
            let Some(next) = self.ending.run_until_cancelled(self.rejoin()).await else { return };
            members::recover_earlier(&next.members, before);
            if let Some(late) = self.succeed(next) {
                self.tracker.spawn(end(late));
                return;
            }
        }
    }

    /// Lets an incarnation serve from now on, or gives it back where none is to come any more: whoever ends the server looks
    /// for the last one after saying so.
    fn succeed(&self, next: Arc<Instance>) -> Option<Arc<Instance>> {
        let mut instance = self.instance.write().unwrap_or_else(PoisonError::into_inner);
        if self.ending.is_cancelled() {
            return Some(next);
        }
        *instance = next;
        None
    }

    /// Joins under a new id, however long that takes.
    async fn rejoin(&self) -> Arc<Instance> {
        let mut pause = self.setup.config.retry_min;
        loop {
            let instance = Instance::new(&self.setup, &self.service);
            match join(&instance).await {
                Ok(()) => {
                    serve(&instance);
                    return instance;
                }
                Err(error) => {
                    tracing::error!(error = %Chain(&error), "an evicted instance cannot join again yet");
                    tokio::time::sleep(jittered(&*self.setup.env, pause)).await;
                    pause = (pause * 2).min(self.setup.config.beat_interval);
                }
            }
        }
    }
}

/// Checks the store, reads the keys and writes the membership record, as starting.
async fn join(instance: &Instance) -> Result<(), JoinError> {
    let deployment = &instance.ground.deployment;
    let format = instance.ground.retry_for_request().run(|| deployment.format()).await;
    format.and_then(|format| format.check()).map_err(JoinError::Format)?;
    members::read_keys(&instance.members).await.map_err(JoinError::Join)?;
    let me = Member::joining(instance.ground.id, instance.ground.label.clone());
    let joined = instance.ground.retry_for_request().run(|| instance.ground.members.beat(&me)).await;
    match joined.map_err(JoinError::Join)? {
        Beat::Alive => Ok(()),
        // The id is new; only a first beat that took longer than a lease meets its own eviction.
        Beat::Evicted => Err(JoinError::Join(BackendError::rejected("declared dead before it had joined"))),
    }
}

/// Begins to beat, to observe others and to connect to the bus.
fn serve(instance: &Arc<Instance>) {
    keep(instance, members::beat(Arc::clone(&instance.members)));
    keep(instance, members::observe(Arc::clone(&instance.members)));
    keep(instance, members::reconcile(Arc::clone(&instance.members)));
    keep(instance, members::renew_keys(Arc::clone(&instance.members)));
    keep(instance, actor::keep_time(Arc::clone(&instance.actors)));
    keep(instance, actor::relay_changes(Arc::clone(&instance.actors)));
    keep(instance, connect::keep_connected(Arc::clone(instance)));
    keep(instance, bus_loop::send(Arc::clone(instance)));
    keep_awake::begin(instance);
    tracing::info!(instance = %instance.ground.id, "the instance serves");
}

/// Runs what the whole instance rests on. It gives way by itself, where it has to: the runtime would have it wait for the
/// worker on which it used up its share, and an agent may block that.
fn keep(instance: &Instance, work: impl Future<Output = ()> + Send + 'static) {
    instance.ground.tracker.spawn(unconstrained(work));
}

/// Ends an incarnation that was evicted: its tasks are others' now, and so is its record.
async fn end(evicted: Arc<Instance>) {
    evicted.ground.abandon();
    evicted.ground.tracker.wait().await;
    let last = Instant::now() + evicted.ground.config.shutdown_limit;
    members::unwatch_all(&evicted.members, last).await;
    // Whoever evicted it releases what this leaves.
    if let Err(error) = evicted.ground.connection.close(&evicted.ground.id).await {
        tracing::debug!(instance = %evicted.ground.id, error = %Chain(&error), "an evicted endpoint could not be closed");
    }
}
