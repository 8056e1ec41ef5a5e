//! All that a server answers at one address.

use std::sync::Arc;

use a2a::AgentCard;
use a2a_cluster::{Cluster, ClusterHandler};
use a2a_server::StaticAgentCard;
use axum::Router;
use tokio_util::sync::CancellationToken;

use crate::bindings::{Edge, Hosts, whole};
use crate::cors::Cors;
use crate::health;
use crate::metrics::Metrics;
use crate::reflection;

/// What is shown beside the handler.
pub(super) struct Shown {
    pub(super) card: AgentCard,
    pub(super) cors: Option<Cors>,
    pub(super) hosts: Hosts,
    pub(super) metrics: Option<Metrics>,
}

impl Shown {
    /// The bindings and the card, health, reflection, and metrics. `/readyz` turns once `leaving` is cancelled.
    pub(super) fn routes(
        &self,
        cluster: &Arc<Cluster>,
        edge: &Edge<ClusterHandler>,
        leaving: &CancellationToken,
    ) -> Router {
        let pages = self.cors.as_ref().map(Cors::pages).unwrap_or_default();
        let card = Arc::new(StaticAgentCard::new(self.card.clone()));
        let agent = whole(edge, card, self.hosts.clone(), pages);
        let agent = match self.cors.clone() {
            Some(cors) => agent.layer(cors.layer()),
            None => agent,
        };
        let (own, leaving) = (Arc::clone(cluster), leaving.clone());
        let ready: health::Ready =
            Arc::new(
                move || {
                    if leaving.is_cancelled() { health::Answer::Leaving } else { own.readiness().into() }
                },
            );
        let metrics =
            self.metrics.as_ref().map(|metrics| metrics.routes(&edge.going_out)).unwrap_or_default();
        agent.merge(health::routes(ready)).merge(reflection::routes()).merge(metrics)
    }
}
