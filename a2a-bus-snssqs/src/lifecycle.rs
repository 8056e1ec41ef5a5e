//! The life of one instance's queue and subscription: made together, removed together.

use std::fmt;

use a2a_core::{BackendError, Result};
use aws_sdk_sqs::types::QueueAttributeName;
use tracing::{info, warn};

use crate::clients::call;
use crate::error::Failure;
use crate::topic::{self, DEPLOYMENT_TAG};
use crate::{Clients, Config, Encryption, names, policy};

/// The tag that names the program that made a queue.
const MAKER_TAG: &str = "a2a:made-by";

/// How long a received message stays hidden before it is delivered once more, in seconds.
const VISIBILITY: &str = "30";

/// What [`QueueLifecycle::provision`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionedQueue {
    /// Where to receive.
    pub queue_url: String,
    /// The name under which the topic knows the queue.
    pub queue_arn: String,
    /// What connects the two.
    pub subscription_arn: String,
}

/// Something that could not be removed. A later [`Janitor`](crate::Janitor) pass removes it.
#[derive(Debug)]
pub struct Leftover {
    /// The ARN of a subscription or the URL of a queue.
    pub resource: String,
    /// Why it is still there.
    pub error: BackendError,
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.resource, self.error)
    }
}

/// Makes and removes one instance's queue with its subscription.
///
/// [`SnsSqsBus::open`](crate::SnsSqsBus::open) uses it; use it alone where an operator provisions queues.
#[derive(Debug, Clone)]
pub struct QueueLifecycle {
    clients: Clients,
    config: Config,
}

impl QueueLifecycle {
    /// Prepares the life of the queue that `config` names. Calls nothing.
    pub fn new(clients: Clients, config: Config) -> Self {
        QueueLifecycle { clients, config }
    }

    /// Makes the queue and subscribes it to the topic, which must exist.
    ///
    /// Idempotent: what is there already, with the same settings, is taken as it is. When a step fails, what
    /// the earlier steps made is removed. When cancelled, or where that removal fails too, or where the answer
    /// is lost of a step that was done, what it made may stay behind until a [`Janitor`](crate::Janitor) pass.
    ///
    /// # Errors
    ///
    /// `Rejected` for a missing topic or permission, a queue of this name with other settings, or clients of
    /// another account or region than the topic's; `Unavailable` where SQS still blocks the name because a
    /// queue of that name was deleted within the last minute.
    pub async fn provision(&self) -> Result<ProvisionedQueue> {
        self.check_regions()?;
        topic::verify(&self.clients.sns, &self.config.deployment.topic, self.config.call_within).await?;
        let existed = self.queue_exists().await?;
        let queue_url = self.create_queue().await?;
        let subscribed = match self.check_account(&queue_url) {
            Ok(()) => self.subscribe().await,
            Err(failure) => Err(failure),
        };
        match subscribed {
            Ok(subscription_arn) => {
                let queue_arn = self.queue_arn();
                info!(queue = queue_arn, existed, "the queue is subscribed to the topic");
                Ok(ProvisionedQueue { queue_url, queue_arn, subscription_arn })
            }
            Err(failure) => {
                if !existed && let Err(left) = self.delete_queue(&queue_url).await {
                    warn!(queue = queue_url, error = %left, "a queue stays behind after a failed provision");
                }
                Err(failure.into())
            }
        }
    }

    /// Removes the subscription, then the queue. Tries both whatever happens and returns what is still there.
    ///
    /// Stop receiving first. Idempotent: what is gone already counts as removed. Takes seconds at most, as
    /// [`Config::call_within`] says.
    #[must_use = "what is left costs and receives until somebody removes it"]
    pub async fn teardown(&self, queue: &ProvisionedQueue) -> Vec<Leftover> {
        let mut left = Vec::new();
        let mut note = |resource: &str, done: Result<(), Failure>| {
            if let Err(failure) = done {
                warn!(resource, error = %failure, "could not be removed");
                left.push(Leftover { resource: resource.to_owned(), error: failure.into() });
            }
        };
        note(&queue.subscription_arn, self.unsubscribe(&queue.subscription_arn).await);
        note(&queue.queue_url, self.delete_queue(&queue.queue_url).await);
        left
    }

    fn queue_arn(&self) -> String {
        self.config.deployment.queue_arn(self.config.instance)
    }

    /// The queue's ARN is derived, so a client of another place would make a queue that nothing reaches.
    fn check_regions(&self) -> Result<(), Failure> {
        let wanted = self.config.deployment.topic.region();
        let of_sns = self.clients.sns.config().region().map(AsRef::as_ref);
        let of_sqs = self.clients.sqs.config().region().map(AsRef::as_ref);
        for (service, region) in [("SNS", of_sns), ("SQS", of_sqs)] {
            if region.is_some_and(|region: &str| region != wanted) {
                let told = format!("the {service} client is for another region than the topic, {wanted}");
                return Err(Failure::refused("provision", told));
            }
        }
        Ok(())
    }

    fn check_account(&self, queue_url: &str) -> Result<(), Failure> {
        let wanted = self.config.deployment.topic.account();
        match names::account_in(queue_url) {
            Some(account) if account != wanted => {
                let told = format!("the topic is of account {wanted}, but queues are made in {account}");
                Err(Failure::refused("provision", told))
            }
            _ => Ok(()),
        }
    }

    async fn queue_exists(&self) -> Result<bool, Failure> {
        let asked = self.clients.sqs.get_queue_url().queue_name(self.config.queue_name()).send();
        match call("GetQueueUrl", self.config.call_within, asked).await {
            Ok(_) => Ok(true),
            Err(error) if error.is(|error| error.is_queue_does_not_exist()) => Ok(false),
            Err(error) => Err(error.failure),
        }
    }

    async fn create_queue(&self) -> Result<String, Failure> {
        let Config { deployment, retention, encryption, call_within, .. } = &self.config;
        let policy = policy::of_queue(&deployment.topic, &self.queue_arn()).to_string();
        let create = self
            .clients
            .sqs
            .create_queue()
            .queue_name(self.config.queue_name())
            .attributes(QueueAttributeName::Policy, policy)
            .attributes(QueueAttributeName::MessageRetentionPeriod, retention.as_secs().to_string())
            .attributes(QueueAttributeName::VisibilityTimeout, VISIBILITY)
            .tags(DEPLOYMENT_TAG, &deployment.name)
            .tags(MAKER_TAG, env!("CARGO_PKG_NAME"));
        let create = match encryption {
            Encryption::Sqs => create.attributes(QueueAttributeName::SqsManagedSseEnabled, "true"),
            Encryption::Kms(key) => create.attributes(QueueAttributeName::KmsMasterKeyId, key),
        };
        let created = call("CreateQueue", *call_within, create.send()).await?;
        created.queue_url.ok_or_else(|| Failure::incomplete("CreateQueue", "queue URL"))
    }

    async fn subscribe(&self) -> Result<String, Failure> {
        let subscribe = self
            .clients
            .sns
            .subscribe()
            .topic_arn(self.config.deployment.topic.to_string())
            .protocol("sqs")
            .endpoint(self.queue_arn())
            .attributes("RawMessageDelivery", "true")
            .attributes("FilterPolicyScope", "MessageAttributes")
            .attributes("FilterPolicy", policy::of_subscription(self.config.instance).to_string())
            .return_subscription_arn(true);
        let subscribed = call("Subscribe", self.config.call_within, subscribe.send()).await?;
        subscribed.subscription_arn.ok_or_else(|| Failure::incomplete("Subscribe", "subscription ARN"))
    }

    async fn unsubscribe(&self, subscription_arn: &str) -> Result<(), Failure> {
        let limit = self.config.call_within;
        crate::removal::unsubscribe(&self.clients.sns, subscription_arn, limit).await
    }

    async fn delete_queue(&self, queue_url: &str) -> Result<(), Failure> {
        crate::removal::delete_queue(&self.clients.sqs, queue_url, self.config.call_within).await
    }
}
