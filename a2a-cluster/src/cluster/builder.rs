//! Putting an instance together.

use std::fmt;
use std::sync::{Arc, OnceLock};

use a2a::AgentCard;
use a2a_core::wire::Seal;
use a2a_core::{
    Deployment, Env, EventBus, Membership, PushConfigs, RetryBudget, Store, SystemEnv, TaskStore,
};
use a2a_server::{AgentExecutor, ExtendedAgentCardResolver};
use thiserror::Error;

use super::Cluster;
use crate::caller::CallerResolver;
use crate::ground::telemetry::{Attempts, Denials, Meters};
use crate::ground::{Config, Setup, StorePressure};
use crate::instance::{JoinError, Service};
use crate::webhook::WebhookTransport;

/// Why an instance could not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Something that has no default was not given. Give it to the builder.
    #[error("a cluster needs a {0}")]
    Missing(&'static str),
    /// A setting that cannot be meant; the words name it.
    #[error("the configuration is wrong: {0}")]
    Config(String),
    /// The store was not set up, or is in a format that this build does not know. Its own words say what to do.
    #[error("the store cannot be used")]
    Format(#[source] a2a_core::BackendError),
    /// The store refused the instance's first calls.
    #[error("the instance could not join the cluster")]
    Join(#[source] a2a_core::BackendError),
}

/// Collects what an instance needs; see [`Cluster::builder`].
pub struct ClusterBuilder {
    agent: Arc<dyn AgentExecutor>,
    card: AgentCard,
    extended_card: Option<Arc<dyn ExtendedAgentCardResolver>>,
    tasks: Option<Arc<dyn TaskStore>>,
    members: Option<Arc<dyn Membership>>,
    push: Option<Arc<dyn PushConfigs>>,
    deployment: Option<Arc<dyn Deployment>>,
    bus: Option<Arc<dyn EventBus>>,
    callers: Option<Arc<dyn CallerResolver>>,
    env: Arc<dyn Env>,
    config: Config,
    label: Option<String>,
    webhooks: Option<Arc<dyn WebhookTransport>>,
}

impl fmt::Debug for ClusterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}

impl ClusterBuilder {
    pub(crate) fn new(agent: Arc<dyn AgentExecutor>, card: AgentCard) -> Self {
        ClusterBuilder {
            agent,
            card,
            extended_card: None,
            tasks: None,
            members: None,
            push: None,
            deployment: None,
            bus: None,
            callers: None,
            env: Arc::new(SystemEnv),
            config: Config::default(),
            label: None,
            webhooks: None,
        }
    }

    /// Keeps everything in one store.
    #[must_use]
    pub fn store(self, store: Arc<dyn Store>) -> Self {
        let both = self.tasks(store.clone()).membership(store.clone());
        both.push_configs(store.clone()).deployment(store)
    }

    /// Keeps tasks here.
    #[must_use]
    pub fn tasks(mut self, tasks: Arc<dyn TaskStore>) -> Self {
        self.tasks = Some(tasks);
        self
    }

    /// Keeps members here.
    #[must_use]
    pub fn membership(mut self, members: Arc<dyn Membership>) -> Self {
        self.members = Some(members);
        self
    }

    /// Keeps push notification configs here.
    #[must_use]
    pub fn push_configs(mut self, push: Arc<dyn PushConfigs>) -> Self {
        self.push = Some(push);
        self
    }

    /// Keeps the format and the keys of the deployment here.
    #[must_use]
    pub fn deployment(mut self, deployment: Arc<dyn Deployment>) -> Self {
        self.deployment = Some(deployment);
        self
    }

    /// Talks to other instances over this bus. Without one everything works, slower: the store is asked for what
    /// no message told.
    #[must_use]
    pub fn bus(mut self, bus: Arc<dyn EventBus>) -> Self {
        self.bus = Some(bus);
        self
    }

    /// Tells callers apart; by default everybody is one.
    #[must_use]
    pub fn callers(mut self, callers: Arc<dyn CallerResolver>) -> Self {
        self.callers = Some(callers);
        self
    }

    /// Serves an extended agent card to callers who are known. The card must declare the capability.
    #[must_use]
    pub fn extended_card(mut self, card: Arc<dyn ExtendedAgentCardResolver>) -> Self {
        self.extended_card = Some(card);
        self
    }

    /// Tunes durations, bounds and limits.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Takes time, ids and chance from elsewhere; for simulations.
    #[must_use]
    pub fn env(mut self, env: Arc<dyn Env>) -> Self {
        self.env = env;
        self
    }

    /// Names the instance for people: a pod, a container, a host. Its metrics carry it, so let there be few.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Posts push notifications by this. A card that declares push notifications needs one.
    #[must_use]
    pub fn webhooks(mut self, transport: Arc<dyn WebhookTransport>) -> Self {
        self.webhooks = Some(transport);
        self
    }

    /// Joins the cluster and starts to serve. The bus is connected in the background.
    ///
    /// # Errors
    ///
    /// [`StartError::Missing`] for a builder without stores, without the transport for webhooks that its card declares, or
    /// without a way to know for whom its extended card is; [`StartError::Config`] for a setting that cannot be meant;
    /// [`StartError::Format`] where the store is in a format that this build does not know, or was not set up; [`StartError::Join`] where the store refuses the instance.
    pub async fn start(self) -> Result<Cluster, StartError> {
        self.config.check().map_err(StartError::Config)?;
        let declares_webhooks = self.card.capabilities.push_notifications == Some(true);
        if declares_webhooks && self.webhooks.is_none() {
            return Err(StartError::Missing("webhook transport, since its card declares push notifications"));
        }
        let callers = self.callers.as_deref();
        let own = callers.map(CallerResolver::caller_headers).unwrap_or_default();
        self.config.check_agent_headers(&own).map_err(StartError::Config)?;
        let config = &self.config;
        if self.extended_card.is_some() && self.callers.is_none() && !config.extended_card_for_anybody {
            return Err(StartError::Missing(
                "resolver of callers, since its extended card is for those who are known \
                 (or the setting `extended_card_for_anybody`)",
            ));
        }
        let tasks = self.tasks.ok_or(StartError::Missing("task store"))?;
        let denials = Arc::new(Denials::new(self.config.unready_after));
        let pressure = Arc::new(StorePressure::new());
        let attempts = Arc::new(Attempts::new(self.label.as_deref(), denials.clone()));
        let budget = RetryBudget::default().observed_by(attempts);
        tasks.use_budget(&budget);
        let meters = Box::new(Meters::new(self.label.as_deref()));
        #[allow(clippy::cast_precision_loss, reason = "nobody runs 2^52 agents")]
        meters.max_agents.set(self.config.max_agents as f64);
        let setup = Setup {
            meters,
            label: self.label,
            tasks,
            budget,
            denials,
            pressure,
            members: self.members.ok_or(StartError::Missing("membership"))?,
            push: self.push.ok_or(StartError::Missing("push config store"))?,
            deployment: self.deployment.ok_or(StartError::Missing("deployment"))?,
            bus: self.bus,
            env: self.env,
            config: self.config,
            declares_webhooks,
            tells_callers_apart: self.callers.is_some(),
            seal: Arc::new(Seal::open()),
            message_ids: OnceLock::new(),
        };
        let service = Service {
            agent: self.agent,
            card: self.card,
            extended_card: self.extended_card,
            callers: self.callers,
            webhooks: self.webhooks,
        };
        Cluster::start(setup, service).await
    }
}

impl From<JoinError> for StartError {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::Format(cause) => StartError::Format(cause),
            JoinError::Join(cause) => StartError::Join(cause),
        }
    }
}
