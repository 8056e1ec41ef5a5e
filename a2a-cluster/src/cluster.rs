//! An instance of a cluster, from its start to its shutdown.

use std::sync::Arc;
use std::time::Duration;

use a2a::AgentCard;
use a2a_core::{InstanceId, Member, MemberState};
use a2a_server::AgentExecutor;
use tokio::sync::mpsc;

use crate::builder::{ClusterBuilder, StartError};
use crate::error::Chain;
use crate::handler::ClusterHandler;
use crate::instance::{Instance, Letter};
use crate::telemetry::Readiness;
use crate::{mail, members};

/// One running instance.
///
/// Dropping it stops its background tasks without a farewell; [`Cluster::shutdown`] is the real end.
#[derive(Debug)]
pub struct Cluster {
    instance: Arc<Instance>,
}

impl Cluster {
    /// Begins to put an instance together: an agent, its card, then backends.
    pub fn builder(agent: Arc<dyn AgentExecutor>, card: AgentCard) -> ClusterBuilder {
        ClusterBuilder::new(agent, card)
    }

    pub(crate) async fn start(
        instance: Arc<Instance>,
        letters: mpsc::Receiver<Letter>,
    ) -> Result<Self, StartError> {
        let me =
            Member { id: instance.id, beat: 0, state: MemberState::Serving, label: instance.label.clone() };
        let joined = instance.retry_for_request().run(|| instance.members.beat(&me)).await;
        // A first beat is never told that it is evicted: the id is new.
        let _ = joined.map_err(StartError::Join)?;
        instance.tracker.spawn(members::beat(Arc::clone(&instance)));
        instance.tracker.spawn(members::observe(Arc::clone(&instance)));
        instance.tracker.spawn(members::reconcile(Arc::clone(&instance)));
        instance.tracker.spawn(mail::receive(Arc::clone(&instance)));
        instance.tracker.spawn(mail::send(Arc::clone(&instance), letters));
        tracing::info!(instance = %instance.id, "the instance serves");
        Ok(Cluster { instance })
    }

    /// The handler to give to the transports.
    pub fn handler(&self) -> Arc<ClusterHandler> {
        Arc::new(ClusterHandler { instance: Arc::clone(&self.instance) })
    }

    /// This instance's id.
    pub fn id(&self) -> InstanceId {
        self.instance.id
    }

    /// Tells whether a load balancer should send requests here, and why not.
    pub fn readiness(&self) -> Readiness {
        Readiness::of(&self.instance)
    }

    /// Tells whether a load balancer should send requests here.
    pub fn is_ready(&self) -> bool {
        self.readiness().is_ready()
    }

    /// Completes once the instance stops serving, by a shutdown or because it was evicted. Returns whether it
    /// was evicted: then shut it down, and start another under a new id. Cancel safe.
    pub async fn stopped(&self) -> bool {
        self.instance.stopping.cancelled().await;
        self.instance.is_evicted()
    }

    /// How many agents run here now.
    pub fn running(&self) -> usize {
        self.instance.runs.len()
    }

    /// How many tasks have streams open here now.
    pub fn streaming(&self) -> usize {
        self.instance.feeds.len()
    }

    /// Stops: no new work at once; running agents, and webhooks that lack something, get `grace` to finish;
    /// what is left of agents is failed with a clear status, what is left for webhooks is left to others;
    /// streams end; the bus closes; the membership record goes. When it returns, nothing of this instance
    /// runs.
    ///
    /// Idempotent. Not cancel safe: call it again to finish a shutdown that was dropped.
    pub async fn shutdown(&self, grace: Duration) {
        let instance = &self.instance;
        instance.draining.cancel();
        // Whether they finish in time or not, what is left is stopped next.
        let _ = tokio::time::timeout(grace, async {
            instance.runs.drained().await;
            instance.couriers.drained().await;
        })
        .await;
        instance.stopping.cancel();
        instance.runs.drained().await;
        instance.closing.cancel();
        instance.tracker.close();
        instance.tracker.wait().await;
        if let Err(error) = members::close_bus(instance).await {
            tracing::warn!(error = %Chain(&error), "the bus could not be closed cleanly");
        }
        if let Err(error) = members::leave(instance).await {
            tracing::warn!(error = %Chain(&error), "the membership record could not be removed");
        }
        tracing::info!(instance = %instance.id, "the instance has shut down");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.instance.draining.cancel();
        self.instance.stopping.cancel();
        self.instance.closing.cancel();
        self.instance.tracker.close();
    }
}
