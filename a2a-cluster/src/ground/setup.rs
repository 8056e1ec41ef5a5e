//! What all incarnations of a server stand on, whatever id they have: backends, settings, keys, meters.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use a2a_core::wire::Seal;
use a2a_core::{Deployment, Env, EventBus, Key, Membership, PushConfigs, RetryBudget, TaskStore};

use super::config::Config;
use super::pressure::StorePressure;
use super::telemetry::{Denials, Meters};

/// What all incarnations of a server share; see [`Ground`](super::Ground).
pub(crate) struct Setup {
    pub(crate) label: Option<String>,
    pub(crate) tasks: Arc<dyn TaskStore>,
    pub(crate) members: Arc<dyn Membership>,
    pub(crate) push: Arc<dyn PushConfigs>,
    pub(crate) deployment: Arc<dyn Deployment>,
    pub(crate) bus: Option<Arc<dyn EventBus>>,
    pub(crate) env: Arc<dyn Env>,
    pub(crate) config: Config,
    /// Tasks may have push notification configs.
    pub(crate) declares_webhooks: bool,
    /// Somebody says who calls.
    pub(crate) tells_callers_apart: bool,
    /// Boxed: inside, it would be a large part of every future that starts an instance.
    pub(crate) meters: Box<Meters>,
    /// What all retries are paid from, the store's own as well.
    pub(crate) budget: RetryBudget,
    /// What the store denies.
    pub(crate) denials: Arc<Denials>,
    /// How much the store takes, and whether it throttles.
    pub(crate) pressure: Arc<StorePressure>,
    /// The keys with which bus messages prove that a member sent them.
    pub(crate) seal: Arc<Seal>,
    /// The key of the digests from which ids of new tasks follow; read with the first start.
    pub(crate) message_ids: OnceLock<Key>,
}

impl Setup {
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
