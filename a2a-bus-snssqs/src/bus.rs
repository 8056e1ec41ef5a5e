//! The bus: makes the endpoints of instances, and removes what those leave that are gone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use a2a_core::wire::Seal;
use a2a_core::{Endpoint, EventBus, InstanceId, Membership, Result};
use async_trait::async_trait;
use aws_types::SdkConfig;

use crate::endpoint::{QueueEndpoint, UnderWay};
use crate::meter;
use crate::orphans::{self, Inventory};
use crate::resources::{Resources, Subscription};
use crate::subscriber::Subscriber;
use crate::{Clients, ConfigError, SnsSqsConfig, TopicArn, topic};

/// The event bus of one deployment, on its topic and the queues of its instances.
///
/// Queues and subscriptions are found by names that follow from the topic's ARN and the instances' ids: there is
/// nothing else to configure, and any process with the permissions can [`release`](EventBus::release) what another
/// one left.
///
/// ```no_run
/// # async fn example(aws: aws_types::SdkConfig) -> Result<(), Box<dyn std::error::Error>> {
/// use a2a_bus_snssqs::SnsSqsBus;
///
/// let bus = SnsSqsBus::new(&aws, "arn:aws:sns:eu-west-1:123456789012:a2a-events")?;
/// # Ok(()) }
/// ```
pub struct SnsSqsBus {
    resources: Arc<Resources>,
    /// The endpoints that this process made. One that is connected again must not remove what it has no more, and what is under
    /// way of one that was dropped may make a subscription yet.
    open: Mutex<BTreeMap<InstanceId, Opened>>,
}

impl SnsSqsBus {
    /// Prepares a bus on a topic, with [clients](Clients::new) of its own. Calls nothing.
    ///
    /// # Errors
    ///
    /// Where `topic` is no ARN of a standard topic: a slip of whoever configures, told before anything runs.
    pub fn new<T>(aws: &SdkConfig, topic: T) -> Result<Self, ConfigError>
    where
        T: TryInto<TopicArn, Error: Into<ConfigError>>,
    {
        let topic = topic.try_into().map_err(Into::into)?;
        Ok(SnsSqsBus::with(Clients::new(aws, &topic), topic))
    }

    /// Prepares a bus on a topic that calls through these clients, with their timeouts and retries. What waits for
    /// messages makes a client of its own of the one for queues. Calls nothing.
    ///
    /// # Errors
    ///
    /// As [`new`](SnsSqsBus::new).
    pub fn with_clients<T>(clients: Clients, topic: T) -> Result<Self, ConfigError>
    where
        T: TryInto<TopicArn, Error: Into<ConfigError>>,
    {
        Ok(SnsSqsBus::with(clients, topic.try_into().map_err(Into::into)?))
    }

    fn with(clients: Clients, topic: TopicArn) -> Self {
        let resources = Arc::new(Resources::new(clients, topic, SnsSqsConfig::default()));
        SnsSqsBus { resources, open: Mutex::default() }
    }

    /// Sets what has a default.
    #[must_use]
    pub fn config(self, config: SnsSqsConfig) -> Self {
        let Resources { clients, topic, .. } = &*self.resources;
        let resources = Arc::new(Resources::new(clients.clone(), topic.clone(), config));
        SnsSqsBus { resources, ..self }
    }

    /// Returns the topic, which knows the names of queues.
    pub fn topic(&self) -> &TopicArn {
        &self.resources.topic
    }

    /// Returns the clients that the bus calls through.
    pub fn clients(&self) -> &Clients {
        &self.resources.clients
    }

    /// Looks for queues and subscriptions of instances that `members` does not know: what only a lost record can
    /// leave. Removes nothing; [`release`](EventBus::release) does.
    ///
    /// An operator's step, rare and slow: it looks at every queue and subscription of the topic, and at the tags of
    /// the queues of unknown instances, five a second.
    ///
    /// An instance joins before it connects, and members are asked after the lists were made, one by one: so one that
    /// is about to start is never taken for an orphan. But members of another deployment, as of a wrong table, know
    /// none of these instances: see [`Inventory::known`].
    ///
    /// # Errors
    ///
    /// Where something cannot be listed or read.
    pub async fn inventory(&self, members: &dyn Membership) -> Result<Inventory> {
        orphans::inventory(&self.resources, members).await
    }

    /// Tells what the policy of an instance's queue does not refuse and should, in words for an operator; `None` where there is
    /// no queue.
    ///
    /// # Errors
    ///
    /// `Rejected` for a missing permission: it needs `sqs:GetQueueAttributes`.
    pub async fn queue_lets_through(&self, instance: InstanceId) -> Result<Option<Vec<&'static str>>> {
        Ok(self.resources.queue_lets_through(instance).await?)
    }

    /// Tells what the topic's policy does not refuse and should: see [`topic_lets_through`](crate::topic_lets_through).
    ///
    /// # Errors
    ///
    /// Its errors.
    pub async fn topic_lets_through(&self) -> Result<Vec<&'static str>> {
        let Resources { clients, topic, config, .. } = &*self.resources;
        topic::topic_lets_through(&clients.sns, topic, &config.instance_roles).await
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Opened>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the endpoint that this process has for an instance out of the books.
    fn take(&self, instance: &InstanceId) -> Option<Opened> {
        self.open().remove(instance)
    }
}

/// An endpoint that this process made.
#[derive(Debug)]
struct Opened {
    endpoint: Weak<QueueEndpoint>,
    under_way: UnderWay,
}

impl Opened {
    /// Stops it, and waits for what is under way.
    async fn supersede(&self) {
        match self.endpoint.upgrade() {
            Some(endpoint) => endpoint.supersede().await,
            None => self.under_way.end().await,
        }
    }
}

#[async_trait]
impl EventBus for SnsSqsBus {
    /// Makes the queue and its subscription, and starts to receive. Idempotent: what is there already is taken as it
    /// is. Nothing is removed where a step fails, so that the next call, or `release`, finds it by its name; SQS
    /// blocks the name of a removed queue for a minute.
    ///
    /// The topic is a way of saying one thing to many, and no more: where it does not reach the queue, for a quota, a
    /// permission, a filter that is not applied yet, or because there is none, the endpoint is there, its
    /// [`reach`](Endpoint::reach) is `Direct`, and the rest is tried again in the background. It becomes `Topic` when a
    /// probe through the topic has arrived.
    ///
    /// An endpoint that was connected before in this process, for the same instance, is closed.
    ///
    /// # Errors
    ///
    /// `Rejected` for a missing permission, a queue of this name with other settings, or clients of another
    /// account or region than the topic's; `Unavailable` where SQS still blocks the name because a queue of that
    /// name was deleted within the last minute, or does not show the new queue yet.
    async fn connect(&self, me: &InstanceId, seal: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        meter::begin();
        self.resources.check_region()?;
        if let Some(before) = self.take(me) {
            before.supersede().await;
        }
        self.resources.create_queue(*me).await?;
        let subscriber = Arc::new(Subscriber::new(*me, Arc::clone(&self.resources)));
        let endpoint = QueueEndpoint::start(*me, Arc::clone(&self.resources), seal, subscriber).await?;
        let beside = {
            let mut open = self.open();
            open.retain(|_, one| one.endpoint.strong_count() > 0 || !one.under_way.has_ended());
            let opened = Opened { endpoint: Arc::downgrade(&endpoint), under_way: endpoint.under_way() };
            open.insert(*me, opened)
        };
        // Of two that connected one instance at once, the later one has it.
        if let Some(beside) = beside {
            beside.supersede().await;
        }
        endpoint.subscribe().await;
        Ok(endpoint)
    }

    /// Removes the subscription and the queue of an instance, by the names that follow from its id.
    ///
    /// # Errors
    ///
    /// `Unavailable` where something is still there, or may be: call again.
    async fn release(&self, gone: &InstanceId) -> Result<()> {
        if let Some(endpoint) = self.take(gone) {
            endpoint.supersede().await;
        }
        self.resources.remove(*gone, Subscription::Unknown).await
    }
}

impl fmt::Debug for SnsSqsBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnsSqsBus").field("topic", &self.resources.topic).finish_non_exhaustive()
    }
}
