//! What one endpoint needs to know, checked before anything is made.

use std::time::Duration;

use a2a_core::{BackendError, InstanceId};
use thiserror::Error;

use crate::TopicArn;
use crate::names::QueuePrefix;

/// Why a configuration cannot work. Change it; nothing was called.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Queues could not be named after it.
    #[error("a queue prefix has 1 to {longest} of A-Z a-z 0-9 - _, which {prefix:?} has not")]
    Prefix {
        /// The prefix that was asked for.
        prefix: String,
        /// The most characters that a prefix may have.
        longest: usize,
    },
    /// It does not name a standard topic.
    #[error("not the ARN of a standard SNS topic: {0:?}")]
    NoTopicArn(String),
    /// It cannot be the value of a tag.
    #[error(
        "a deployment's name has 1 to 256 letters, digits, spaces or any of _.:/=+-@, which {0:?} has not"
    )]
    DeploymentName(String),
}

impl From<ConfigError> for BackendError {
    fn from(error: ConfigError) -> Self {
        BackendError::Rejected { reason: error.to_string(), cause: None }
    }
}

/// What all instances of one cluster have in common, and no other cluster has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub(crate) topic: TopicArn,
    pub(crate) prefix: QueuePrefix,
    pub(crate) name: String,
}

impl Deployment {
    /// Describes the deployment whose instances share this topic and whose queues begin with `prefix`.
    ///
    /// Its name, with which each queue is tagged, is the prefix until [`named`](Deployment::named) says else.
    ///
    /// # Errors
    ///
    /// Where the topic or the prefix cannot work.
    pub fn new(topic_arn: &str, prefix: &str) -> Result<Self, ConfigError> {
        let prefix = QueuePrefix::new(prefix)?;
        let name = prefix.to_string();
        Ok(Deployment { topic: topic_arn.parse()?, prefix, name })
    }

    /// Sets the name with which each queue is tagged. Give each its own where deployments share a prefix.
    ///
    /// # Errors
    ///
    /// Where it cannot be the value of a tag.
    pub fn named(mut self, name: &str) -> Result<Self, ConfigError> {
        let is_allowed = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
        if name.is_empty() || name.chars().count() > 256 || !name.chars().all(is_allowed) {
            return Err(ConfigError::DeploymentName(name.to_owned()));
        }
        self.name = name.to_owned();
        Ok(self)
    }

    /// Returns the topic.
    pub fn topic(&self) -> &TopicArn {
        &self.topic
    }

    /// Returns the name of an instance's queue.
    pub fn queue_name(&self, instance: InstanceId) -> String {
        self.prefix.queue_of(instance)
    }

    /// Returns the ARN of an instance's queue.
    pub fn queue_arn(&self, instance: InstanceId) -> String {
        self.topic.queue_arn(&self.queue_name(instance))
    }
}

/// How a queue's messages are encrypted at rest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Encryption {
    /// With a key that SQS owns. Needs no permission.
    #[default]
    Sqs,
    /// With a customer key in KMS: its id, ARN or alias. The key's policy must allow `sns.amazonaws.com`, and
    /// the instances, `kms:GenerateDataKey` and `kms:Decrypt`.
    Kms(String),
}

/// The settings of one endpoint.
///
/// ```
/// use a2a_bus_snssqs::{Config, Deployment};
/// use a2a_core::{InstanceId, SystemEnv};
///
/// let deployment = Deployment::new("arn:aws:sns:eu-west-1:123456789012:a2a-events", "a2a-prod")?;
/// let config = Config::new(deployment, InstanceId::generate(&SystemEnv)).receivers(8);
/// # Ok::<(), a2a_bus_snssqs::ConfigError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) deployment: Deployment,
    pub(crate) instance: InstanceId,
    pub(crate) encryption: Encryption,
    pub(crate) retention: Duration,
    pub(crate) receivers: usize,
    pub(crate) inbox: usize,
    pub(crate) call_within: Duration,
}

impl Config {
    /// Describes the endpoint of an instance, with the defaults below.
    pub fn new(deployment: Deployment, instance: InstanceId) -> Self {
        Config {
            deployment,
            instance,
            encryption: Encryption::default(),
            retention: Duration::from_secs(300),
            receivers: 4,
            inbox: 1024,
            call_within: Duration::from_secs(10),
        }
    }

    /// Sets how the queue is encrypted; by default with SQS's own key.
    #[must_use]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.encryption = encryption;
        self
    }

    /// Sets how long SQS keeps a message that is not read, from 60 seconds to 14 days; by default 5 minutes.
    /// What is older than that is better read from the store.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention.clamp(Duration::from_secs(60), Duration::from_secs(14 * 24 * 3600));
        self
    }

    /// Sets how many receives run side by side at most; at least 1, by default 4. An idle endpoint has one.
    #[must_use]
    pub fn receivers(mut self, receivers: usize) -> Self {
        self.receivers = receivers.max(1);
        self
    }

    /// Sets how many messages are kept for a reader that does not read; at least 10, by default 1024. The
    /// others wait in SQS, for [`retention`](Config::retention).
    #[must_use]
    pub fn inbox(mut self, messages: usize) -> Self {
        self.inbox = messages.clamp(crate::inbox::FEWEST, crate::inbox::MOST);
        self
    }

    /// Sets how long one call to AWS may take, with the client's own retries; by default 10 seconds. Does not
    /// apply to long polls.
    #[must_use]
    pub fn call_within(mut self, limit: Duration) -> Self {
        self.call_within = limit;
        self
    }

    /// The queue that this configuration names.
    pub(crate) fn queue_name(&self) -> String {
        self.deployment.queue_name(self.instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:a2a";

    #[test]
    fn a_bad_prefix_is_explained() {
        for prefix in ["", "a b", "a2a.fifo", "ä", &"x".repeat(44)] {
            let error = Deployment::new(TOPIC, prefix).unwrap_err();
            assert!(error.to_string().contains("1 to 43"), "{error}");
        }
    }

    #[test]
    fn a_deployment_is_named_after_its_prefix_unless_told_else() {
        let deployment = Deployment::new(TOPIC, "a2a").unwrap();
        assert_eq!(deployment.name, "a2a");
        assert_eq!(deployment.clone().named("team/blue").unwrap().name, "team/blue");
        assert!(deployment.clone().named("").is_err());
        assert!(deployment.named("semi;colon").is_err());
    }

    #[test]
    fn retention_keeps_to_what_sqs_allows() {
        let config =
            Config::new(Deployment::new(TOPIC, "a2a").unwrap(), InstanceId::from_uuid(uuid::Uuid::nil()));
        assert_eq!(config.clone().retention(Duration::ZERO).retention, Duration::from_secs(60));
        assert_eq!(config.retention(Duration::MAX).retention, Duration::from_secs(1_209_600));
    }
}
