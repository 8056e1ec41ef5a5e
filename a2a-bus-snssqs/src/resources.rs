//! What an instance has on the services: a queue and a subscription, whose names follow from its id.

use std::collections::HashMap;

use a2a_core::{BackendError, InstanceId, Result};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;
use tracing::{info, warn};

use crate::clients::call;
use crate::error::Failure;
use crate::finder::Finder;
use crate::listing::Listing;
use crate::meter::Call;
use crate::topic::DEPLOYMENT_TAG;
use crate::{Clients, Encryption, SnsSqsConfig, TopicArn, names, policy};

/// The tag that names the program that made a queue.
const MAKER_TAG: &str = "a2a:made-by";

/// How long a received message stays hidden before it is delivered once more, in seconds: well more than it takes to
/// hand it over and delete it, and no more than a hint may be late that went into a poll which nobody awaits any more.
const VISIBILITY: &str = "10";

/// What is known of an instance's subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subscription {
    /// There is none.
    Absent,
    /// It may be there: an attempt to make it was not answered, or another process would know.
    Unknown,
    /// It is there, under this ARN.
    Made(String),
}

/// Makes and removes queues and subscriptions of one topic.
#[derive(Debug)]
pub(crate) struct Resources {
    pub(crate) clients: Clients,
    pub(crate) topic: TopicArn,
    pub(crate) config: SnsSqsConfig,
    finder: Finder,
}

impl Resources {
    pub(crate) fn new(clients: Clients, topic: TopicArn, config: SnsSqsConfig) -> Self {
        Resources { clients, topic, config, finder: Finder::default() }
    }

    /// What it takes to list the topic's queues and subscriptions.
    pub(crate) fn listing(&self) -> Listing<'_> {
        Listing { clients: &self.clients, topic: &self.topic, config: &self.config }
    }

    /// Queues are found by names that are derived, so a client of another place would make one that nothing reaches.
    pub(crate) fn check_region(&self) -> Result<(), Failure> {
        let wanted = self.topic.region();
        let of_sns = self.clients.sns.config().region().map(AsRef::as_ref);
        let of_sqs = self.clients.sqs.config().region().map(AsRef::as_ref);
        for (service, region) in [("SNS", of_sns), ("SQS", of_sqs)] {
            if region.is_some_and(|region: &str| region != wanted) {
                let told = format!("the {service} client is for another region than the topic, {wanted}");
                return Err(Failure::refused("connect", told));
            }
        }
        Ok(())
    }

    /// Makes the queue of an instance. Idempotent: one that is there with the same settings is taken as it is.
    pub(crate) async fn create_queue(&self, instance: InstanceId) -> Result<(), Failure> {
        let SnsSqsConfig { retention, encryption, instance_roles, tags, call_within, .. } = &self.config;
        let policy =
            policy::queue::policy(&self.topic, instance_roles, &self.topic.queue_arn(instance)).to_string();
        let own = [(DEPLOYMENT_TAG, self.topic.name()), (MAKER_TAG, env!("CARGO_PKG_NAME"))];
        let own = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
        // The last one counts: nobody takes a queue for another deployment's by a tag of the settings.
        let tags: HashMap<_, _> = tags.clone().into_iter().chain(own).collect();
        let create = self
            .clients
            .sqs
            .create_queue()
            .queue_name(self.topic.queue_name(instance))
            .attributes(QueueAttributeName::Policy, policy)
            .attributes(QueueAttributeName::MessageRetentionPeriod, retention.as_secs().to_string())
            .attributes(QueueAttributeName::VisibilityTimeout, VISIBILITY)
            .set_tags(Some(tags));
        let create = match encryption {
            Encryption::Sqs => create.attributes(QueueAttributeName::SqsManagedSseEnabled, "true"),
            Encryption::Kms(key) => create
                .attributes(QueueAttributeName::KmsMasterKeyId, key)
                .attributes(QueueAttributeName::SqsManagedSseEnabled, "false"),
        };
        let created = call("CreateQueue", *call_within, create.send()).await?;
        let url = created.queue_url.ok_or_else(|| Failure::incomplete("CreateQueue", "queue URL"))?;
        self.check_account(&url).await
    }

    /// What the policy of an instance's queue lets through that it should not; `None` where there is no queue.
    pub(crate) async fn queue_lets_through(
        &self,
        instance: InstanceId,
    ) -> Result<Option<Vec<&'static str>>, Failure> {
        let asked = self.clients.sqs.get_queue_attributes().queue_url(self.topic.queue_url(instance));
        let asked = asked.attribute_names(QueueAttributeName::Policy).send();
        let told = match call("GetQueueAttributes", self.config.call_within, asked).await {
            Ok(told) => told,
            Err(error) if error.is(|error| error.is_queue_does_not_exist()) => return Ok(None),
            Err(error) => return Err(error.failure),
        };
        let policy = told.attributes().and_then(|attributes| attributes.get(&QueueAttributeName::Policy));
        let policy: Value = policy.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let refusals = policy::queue::refusals(&self.topic, &self.config.instance_roles);
        Ok(Some(policy::missing(&refusals, &policy, &self.topic.queue_arn(instance))))
    }

    /// A queue of another account has no name that anybody derives, so nobody else would remove it.
    async fn check_account(&self, queue_url: &str) -> Result<(), Failure> {
        let wanted = self.topic.account();
        match names::account_in(queue_url) {
            Some(account) if account != wanted => {
                if let Err(left) = self.delete_queue_at(queue_url).await {
                    warn!(queue = queue_url, error = %left, "a queue stays behind in another account");
                }
                let told = format!("the topic is of account {wanted}, but queues are made in {account}");
                Err(Failure::refused("connect", told))
            }
            _ => Ok(()),
        }
    }

    /// Subscribes the queue of an instance to the topic; returns the ARN. Idempotent.
    pub(crate) async fn subscribe(&self, instance: InstanceId) -> Result<String, Failure> {
        const CALL: &str = Call::Subscribe.name();
        let subscribe = self
            .clients
            .sns
            .subscribe()
            .topic_arn(self.topic.to_string())
            .protocol("sqs")
            .endpoint(self.topic.queue_arn(instance))
            .attributes("RawMessageDelivery", "true")
            .attributes("FilterPolicyScope", "MessageAttributes")
            .attributes("FilterPolicy", policy::of_subscription(instance).to_string())
            .return_subscription_arn(true);
        match call(CALL, self.config.call_within, subscribe.send()).await {
            Ok(subscribed) => {
                subscribed.subscription_arn.ok_or_else(|| Failure::incomplete(CALL, "subscription ARN"))
            }
            Err(error) if error.is(|error| error.is_not_found_exception()) => {
                let told = format!("there is no topic {}: create it first", self.topic);
                Err(Failure::refused(CALL, told))
            }
            Err(error) => Err(error.failure),
        }
    }

    /// Removes the subscription, then the queue. Tries both whatever happens. Idempotent: what is gone already counts
    /// as removed.
    ///
    /// # Errors
    ///
    /// `Unavailable` where something is still there, or may be: call again.
    pub(crate) async fn remove(&self, instance: InstanceId, subscription: Subscription) -> Result<()> {
        let mut left = Vec::new();
        let mut note = |resource: String, done: Result<(), Failure>| {
            if let Err(failure) = done {
                warn!(resource, error = %failure, "could not be removed");
                left.push(format!("{resource} ({failure})"));
            }
        };
        let queue_arn = self.topic.queue_arn(instance);
        let subscription = match subscription {
            Subscription::Absent => Ok(None),
            Subscription::Made(arn) => Ok(Some(arn)),
            Subscription::Unknown => self.finder.find(self.listing(), instance).await,
        };
        match subscription {
            Ok(None) => {}
            Ok(Some(arn)) => note(arn.clone(), self.unsubscribe(&arn).await),
            Err(failure) => note(format!("the subscription of {queue_arn}"), Err(failure)),
        }
        note(queue_arn, self.delete_queue_at(&self.topic.queue_url(instance)).await);
        if left.is_empty() {
            info!(%instance, "queue and subscription are removed");
            return Ok(());
        }
        Err(BackendError::Unavailable(format!("still there: {}", left.join(", ")).into()))
    }

    async fn unsubscribe(&self, subscription_arn: &str) -> Result<(), Failure> {
        let asked = self.clients.sns.unsubscribe().subscription_arn(subscription_arn).send();
        match call("Unsubscribe", self.config.call_within, asked).await {
            Ok(_) => Ok(()),
            Err(error) if error.is(|error| error.is_not_found_exception()) => Ok(()),
            Err(error) => Err(error.failure),
        }
    }

    async fn delete_queue_at(&self, queue_url: &str) -> Result<(), Failure> {
        let asked = self.clients.sqs.delete_queue().queue_url(queue_url).send();
        match call("DeleteQueue", self.config.call_within, asked).await {
            Ok(_) => Ok(()),
            Err(error) if error.is(|error| error.is_queue_does_not_exist()) => Ok(()),
            Err(error) => Err(error.failure),
        }
    }
}
