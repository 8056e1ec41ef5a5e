//! What a server is made of, whatever id it serves under: agent, card, backends, settings, keys, meters.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use a2a::AgentCard;
use a2a_core::wire::Seal;
use a2a_core::{Deployment, Env, EventBus, Key, Membership, PushConfigs, TaskStore};
use a2a_server::{AgentExecutor, ExtendedAgentCardResolver};

use crate::caller::CallerResolver;
use crate::config::Config;
use crate::telemetry::Meters;

/// What all incarnations of a server share; see [`Instance`](crate::instance::Instance).
pub(crate) struct Setup {
    pub(crate) label: Option<String>,
    pub(crate) agent: Arc<dyn AgentExecutor>,
    pub(crate) card: AgentCard,
    pub(crate) extended_card: Option<Arc<dyn ExtendedAgentCardResolver>>,
    pub(crate) tasks: Arc<dyn TaskStore>,
    pub(crate) members: Arc<dyn Membership>,
    pub(crate) push: Arc<dyn PushConfigs>,
    pub(crate) deployment: Arc<dyn Deployment>,
    pub(crate) bus: Option<Arc<dyn EventBus>>,
    pub(crate) callers: Arc<dyn CallerResolver>,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) config: Config,
    pub(crate) allow_local_webhooks: bool,
    pub(crate) meters: Meters,
    /// The keys with which bus messages prove that a member sent them.
    pub(crate) seal: Arc<Seal>,
    /// The key of the digests from which ids of new tasks follow; read with the first start.
    pub(crate) message_ids: OnceLock<Key>,
}

impl Setup {
    /// Tells whether tasks may have push notification configs.
    pub(crate) fn declares_webhooks(&self) -> bool {
        self.card.capabilities.push_notifications == Some(true)
    }

    /// How far apart the commits of a task begin.
    pub(crate) fn commit_spacing(&self) -> Duration {
        self.config.commit_spacing.unwrap_or_else(|| self.tasks.commit_spacing())
    }
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").field("label", &self.label).finish_non_exhaustive()
    }
}
