//! The settings of a bus, each with a default.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use a2a_core::BackendError;
use thiserror::Error;

/// Why a bus cannot work as it is configured. Change it; nothing was called.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It does not name a standard topic.
    #[error("not the ARN of a standard SNS topic: {0:?}")]
    NoTopicArn(String),
}

impl From<Infallible> for ConfigError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<ConfigError> for BackendError {
    fn from(error: ConfigError) -> Self {
        BackendError::Rejected { reason: error.to_string(), cause: None }
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

/// The settings of a [`SnsSqsBus`](crate::SnsSqsBus), each with a default.
///
/// ```
/// use a2a_bus_snssqs::SnsSqsConfig;
///
/// let config = SnsSqsConfig::default().receivers(8);
/// ```
#[derive(Debug, Clone)]
pub struct SnsSqsConfig {
    pub(crate) encryption: Encryption,
    pub(crate) instance_roles: Vec<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) retention: Duration,
    pub(crate) receivers: usize,
    pub(crate) inbox: usize,
    pub(crate) call_within: Duration,
    pub(crate) probe_every: Duration,
}

impl Default for SnsSqsConfig {
    fn default() -> Self {
        SnsSqsConfig {
            encryption: Encryption::default(),
            instance_roles: Vec::new(),
            tags: BTreeMap::new(),
            retention: Duration::from_secs(300),
            receivers: 4,
            inbox: 1024,
            call_within: Duration::from_secs(10),
            probe_every: Duration::from_secs(300),
        }
    }
}

impl SnsSqsConfig {
    /// Sets how queues are encrypted; by default with SQS's own key.
    #[must_use]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.encryption = encryption;
        self
    }

    /// Names the roles of the instances, as ARNs in which `*` may stand for a part: the policies of queues then let nobody else
    /// of the account send to them or read from them. By default whoever the account's own policies allow may.
    ///
    /// All instances of a deployment must have one of these roles: one that has not is cut off from the others.
    #[must_use]
    pub fn instance_roles(mut self, roles: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.instance_roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// Sets a tag of the queues, beside those by which they are found; up to 48, as SQS has it.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Sets how long SQS keeps a message that is not read, from 60 seconds to 14 days; by default 5 minutes.
    /// What is older than that is better read from the store.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention.clamp(Duration::from_secs(60), Duration::from_secs(14 * 24 * 3600));
        self
    }

    /// Sets how many receives of an endpoint run side by side at most; at least 1, by default 4. An idle endpoint
    /// has one.
    #[must_use]
    pub fn receivers(mut self, receivers: usize) -> Self {
        self.receivers = receivers.max(1);
        self
    }

    /// Sets how many messages an endpoint keeps for a reader that does not read; at least 10, by default 1024. The
    /// others wait in SQS, for [`retention`](SnsSqsConfig::retention).
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

    /// Sets how often an endpoint sends itself a probe through the topic, give or take a quarter; at least a second, by
    /// default 5 minutes. Two that do not arrive, and it is reached directly until one does.
    #[must_use]
    pub fn probe_every(mut self, interval: Duration) -> Self {
        self.probe_every = interval.max(Duration::from_secs(1));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_keeps_to_what_sqs_allows() {
        let config = SnsSqsConfig::default();
        assert_eq!(config.clone().retention(Duration::ZERO).retention, Duration::from_secs(60));
        assert_eq!(config.retention(Duration::MAX).retention, Duration::from_secs(1_209_600));
    }
}
