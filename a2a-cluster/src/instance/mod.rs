//! One incarnation of a server: its parts put together, and the incarnation that follows after an eviction.

mod bus_loop;
mod connect;
mod current;
mod keep_awake;

use std::sync::Arc;

use a2a::AgentCard;
use a2a_server::{AgentExecutor, ExtendedAgentCardResolver};

use crate::actor::Actors;
use crate::caller::CallerResolver;
use crate::ground::{Ground, Setup};
use crate::members::Members;
use crate::webhook::{Dispatchers, WebhookTransport};

pub(crate) use current::{Current, JoinError};

/// What a server serves, to whom, and by whom its webhooks are called: the same for every incarnation.
pub(crate) struct Service {
    pub(crate) agent: Arc<dyn AgentExecutor>,
    pub(crate) card: AgentCard,
    pub(crate) extended_card: Option<Arc<dyn ExtendedAgentCardResolver>>,
    pub(crate) callers: Option<Arc<dyn CallerResolver>>,
    pub(crate) webhooks: Option<Arc<dyn WebhookTransport>>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("card", &self.card.name).finish_non_exhaustive()
    }
}

/// One incarnation. A request takes the current one once, and stays with it.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) service: Arc<Service>,
    pub(crate) ground: Arc<Ground>,
    pub(crate) actors: Arc<Actors>,
    pub(crate) dispatchers: Arc<Dispatchers>,
    pub(crate) members: Arc<Members>,
}

impl Instance {
    /// Draws an id. The instance has not joined yet, and nothing of it runs.
    fn new(setup: &Arc<Setup>, service: &Arc<Service>) -> Arc<Self> {
        let ground = Ground::new(setup);
        let actors = Actors::new(&ground, &service.agent);
        let dispatchers = Dispatchers::new(&actors, service.webhooks.clone());
        actors.deliver_by(&dispatchers);
        let members = Members::new(&actors, &dispatchers);
        Arc::new(Instance { service: Arc::clone(service), ground, actors, dispatchers, members })
    }
}
