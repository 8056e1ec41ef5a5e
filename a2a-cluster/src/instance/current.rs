//! The incarnation that serves now. When it is evicted, the next one joins under a new id and takes its place, behind
//! the same handler.

use std::sync::{Arc, PoisonError, RwLock};

use a2a_core::{BackendError, Beat, Member};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::builder::StartError;
use crate::error::Chain;
use crate::instance::Instance;
use crate::retry::jittered;
use crate::setup::Setup;
use crate::{actor, bus_loop, connection, keep_awake, members};

/// Holds the current incarnation, and sees to it that there is one.
#[derive(Debug)]
pub(crate) struct Current {
    setup: Arc<Setup>,
    instance: RwLock<Arc<Instance>>,
    /// What outlives an incarnation: the wait for the next one, and the end of each that was evicted.
    tracker: TaskTracker,
    /// Cancelled when no other incarnation is to come.
    ending: CancellationToken,
}

impl Current {
    /// Joins the cluster and serves.
    pub(crate) async fn start(setup: Arc<Setup>) -> Result<Arc<Self>, StartError> {
        let instance = Instance::new(&setup);
        join(&instance).await?;
        serve(&instance);
        let current = Arc::new(Current {
            setup,
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
                () = evicted.stopping.cancelled() => {}
            }
            // An agent that blocks holds up its own incarnation's end only.
            let before = evicted.id;
            self.tracker.spawn(end(evicted));
            let Some(next) = self.ending.run_until_cancelled(self.rejoin()).await else { return };
            members::recover_earlier(&next, before);
            *self.instance.write().unwrap_or_else(PoisonError::into_inner) = next;
        }
    }

    /// Joins under a new id, however long that takes.
    async fn rejoin(&self) -> Arc<Instance> {
        let mut pause = self.setup.config.retry_min;
        loop {
            let instance = Instance::new(&self.setup);
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
async fn join(instance: &Instance) -> Result<(), StartError> {
    let deployment = &instance.deployment;
    let format = instance.retry_for_request().run(|| deployment.format()).await;
    format.and_then(|format| format.check()).map_err(StartError::Format)?;
    members::read_keys(instance).await.map_err(StartError::Join)?;
    let me = Member::joining(instance.id, instance.label.clone());
    let joined = instance.retry_for_request().run(|| instance.members.beat(&me)).await;
    match joined.map_err(StartError::Join)? {
        Beat::Alive => Ok(()),
        // The id is new; only a first beat that took longer than a lease meets its own eviction.
        Beat::Evicted => Err(StartError::Join(BackendError::rejected("declared dead before it had joined"))),
    }
}

/// Begins to beat, to observe others and to connect to the bus.
fn serve(instance: &Arc<Instance>) {
    let tracker = &instance.tracker;
    tracker.spawn(members::beat(Arc::clone(instance)));
    tracker.spawn(members::observe(Arc::clone(instance)));
    tracker.spawn(members::reconcile(Arc::clone(instance)));
    tracker.spawn(members::renew_keys(Arc::clone(instance)));
    tracker.spawn(actor::keep_time(Arc::clone(instance)));
    tracker.spawn(actor::keep_told(Arc::clone(instance)));
    tracker.spawn(connection::keep_connected(Arc::clone(instance)));
    tracker.spawn(bus_loop::send(Arc::clone(instance)));
    keep_awake::begin(instance);
    tracing::info!(instance = %instance.id, "the instance serves");
}

/// Ends an incarnation that was evicted: its tasks are others' now, and so is its record.
async fn end(evicted: Arc<Instance>) {
    evicted.abandon();
    evicted.tracker.wait().await;
    // Whoever evicted it releases what this leaves.
    if let Err(error) = evicted.connection.close(&evicted.id).await {
        tracing::debug!(instance = %evicted.id, error = %Chain(&error), "an evicted endpoint could not be closed");
    }
}
