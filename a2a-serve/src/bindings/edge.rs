//! What all bindings stand on: a handler, who may ask it, and how much at once.

use std::fmt;
use std::sync::Arc;

use a2a::A2AError;
use a2a_cluster::ClusterHandler;
use a2a_server::ServiceParams;
use async_trait::async_trait;

use super::in_flight::{Held, InFlight};
use super::limits::RequestLimits;

/// Finds the handler for whoever calls, before a body is read.
#[async_trait]
pub(crate) trait Admission<H>: Send + Sync {
    /// # Errors
    /// Who calls may not ask.
    async fn handler_for(&self, handler: &Arc<H>, params: &ServiceParams) -> Result<Arc<H>, A2AError>;

    /// The handler for one request: it lets go of what is held once nothing of the request is left with it.
    fn holding(&self, handler: &H, held: Held) -> H;
}

/// Asks the cluster's resolver of callers.
pub(crate) struct OfCluster;

#[async_trait]
impl Admission<ClusterHandler> for OfCluster {
    async fn handler_for(
        &self,
        handler: &Arc<ClusterHandler>,
        params: &ServiceParams,
    ) -> Result<Arc<ClusterHandler>, A2AError> {
        handler.for_caller(params).await
    }

    fn holding(&self, handler: &ClusterHandler, held: Held) -> ClusterHandler {
        handler.holding(held)
    }
}

/// A handler behind bindings.
pub(crate) struct Edge<H> {
    handler: Arc<H>,
    pub(super) limits: RequestLimits,
    /// Without one, everybody gets the same handler, which may ask who calls later.
    admission: Option<Arc<dyn Admission<H>>>,
    /// What all requests hold together.
    pub(super) in_flight: InFlight,
    /// What all answers hold together that wait to be sent: apart, so that who takes them slowly keeps no request out.
    pub(crate) going_out: InFlight,
    /// What all events of streams hold together that wait to be sent.
    pub(super) streamed: InFlight,
}

impl<H> Edge<H> {
    pub(crate) fn new(
        handler: Arc<H>,
        limits: RequestLimits,
        admission: Option<Arc<dyn Admission<H>>>,
    ) -> Self {
        let in_flight = InFlight::shared_with_small(limits.max_bytes_in_flight);
        let [going_out, streamed] = [limits.max_bytes_in_flight; 2].map(InFlight::new);
        Edge { handler, limits, admission, in_flight, going_out, streamed }
    }

    /// The handler for whoever sends this.
    ///
    /// # Errors
    /// They may not ask.
    pub(super) async fn admit(&self, params: &ServiceParams) -> Result<Arc<H>, A2AError> {
        match &self.admission {
            Some(admission) => admission.handler_for(&self.handler, params).await,
            None => Ok(Arc::clone(&self.handler)),
        }
    }

    /// The handler for one request that was read, and what is held until that has answered. A handler that may work for minutes
    /// takes it, and holds it for no longer than it has what was read.
    pub(super) fn holding(&self, handler: Arc<H>, held: Option<Held>) -> (Arc<H>, Option<Held>) {
        match (&self.admission, held) {
            (Some(admission), Some(held)) => (Arc::new(admission.holding(&handler, held)), None),
            (_, held) => (handler, held),
        }
    }
}

impl<H> Clone for Edge<H> {
    fn clone(&self) -> Self {
        Edge {
            handler: Arc::clone(&self.handler),
            limits: self.limits,
            admission: self.admission.clone(),
            in_flight: self.in_flight.clone(),
            going_out: self.going_out.clone(),
            streamed: self.streamed.clone(),
        }
    }
}

impl<H> fmt::Debug for Edge<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge").field("limits", &self.limits).finish_non_exhaustive()
    }
}
