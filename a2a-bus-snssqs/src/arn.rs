//! The topic's ARN, from which every other name follows: accounts, regions and queues.

use std::fmt;
use std::str::FromStr;

use a2a_core::InstanceId;

use crate::ConfigError;
use crate::names::QueuePrefix;

/// The ARN of a standard topic: `arn:<partition>:sns:<region>:<account>:<name>`. One topic serves one deployment:
/// its name is the deployment's.
///
/// ```
/// use a2a_bus_snssqs::TopicArn;
/// use a2a_core::{InstanceId, SystemEnv};
///
/// let topic: TopicArn = "arn:aws:sns:eu-west-1:123456789012:a2a-events".parse()?;
/// assert_eq!(topic.account(), "123456789012");
/// assert!(topic.queue_name(InstanceId::generate(&SystemEnv)).starts_with("a2a-events-"));
/// assert!("arn:aws:sns:eu-west-1:123456789012:orders.fifo".parse::<TopicArn>().is_err());
/// # Ok::<(), a2a_bus_snssqs::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TopicArn {
    partition: String,
    region: String,
    account: String,
    name: String,
    prefix: QueuePrefix,
}

impl TopicArn {
    /// Returns the region of the topic. Queues are in the same one.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Returns the account that owns the topic. Queues are in the same one.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Returns the topic's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of an instance's queue.
    pub fn queue_name(&self, instance: InstanceId) -> String {
        self.prefix.queue_of(instance)
    }

    /// Returns the ARN of an instance's queue.
    pub fn queue_arn(&self, instance: InstanceId) -> String {
        self.arn_of(&self.queue_name(instance))
    }

    /// Returns the URL of an instance's queue, as SQS writes it.
    ///
    /// Calls go to the endpoint of the client whatever the host in it; account and name are what counts.
    pub fn queue_url(&self, instance: InstanceId) -> String {
        let TopicArn { partition, region, account, .. } = self;
        let suffix = if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://sqs.{region}.{suffix}/{account}/{}", self.queue_name(instance))
    }

    /// A pattern of the ARNs of all instances' queues, for policies: `?` is one character, so that the queues of no deployment
    /// are covered whose name begins with this one's.
    pub(crate) fn queue_arns(&self) -> String {
        self.arn_of(&self.prefix.mask())
    }

    /// The instance whose queue has this ARN, if it is one of this topic's.
    pub(crate) fn instance_of(&self, queue_arn: &str) -> Option<InstanceId> {
        let name = queue_arn.rsplit(':').next()?;
        if self.arn_of(name) == queue_arn { self.prefix.instance_of(name) } else { None }
    }

    /// What the names of this topic's queues begin with, and how they lead back to instances.
    pub(crate) fn prefix(&self) -> &QueuePrefix {
        &self.prefix
    }

    fn arn_of(&self, queue_name: &str) -> String {
        let TopicArn { partition, region, account, .. } = self;
        format!("arn:{partition}:sqs:{region}:{account}:{queue_name}")
    }
}

impl FromStr for TopicArn {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let no_topic = || ConfigError::NoTopicArn(text.to_owned());
        let mut fields = text.split(':');
        let mut field = || fields.next().filter(|field| !field.is_empty()).ok_or_else(no_topic);
        let (scheme, partition, service, region) = (field()?, field()?, field()?, field()?);
        let (account, name) = (field()?, field()?);
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let is_number = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        if scheme != "arn" || service != "sns" || fields.next().is_some() || !is_number {
            return Err(no_topic());
        }
        // A FIFO topic ends in `.fifo`. It would bring order, which nobody here needs, at a tenth of the speed.
        if ![partition, region, name].iter().all(|field| field.chars().all(is_word)) || name.len() > 256 {
            return Err(no_topic());
        }
        let prefix = QueuePrefix::of_topic(name);
        let [partition, region, account, name] = [partition, region, account, name].map(str::to_owned);
        Ok(TopicArn { partition, region, account, name, prefix })
    }
}

impl TryFrom<&str> for TopicArn {
    type Error = ConfigError;

    fn try_from(text: &str) -> Result<Self, ConfigError> {
        text.parse()
    }
}

impl TryFrom<String> for TopicArn {
    type Error = ConfigError;

    fn try_from(text: String) -> Result<Self, ConfigError> {
        text.parse()
    }
}

impl TryFrom<&String> for TopicArn {
    type Error = ConfigError;

    fn try_from(text: &String) -> Result<Self, ConfigError> {
        text.parse()
    }
}

impl fmt::Display for TopicArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TopicArn { partition, region, account, name, .. } = self;
        write!(f, "arn:{partition}:sns:{region}:{account}:{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance() -> InstanceId {
        InstanceId::from_uuid(uuid::Uuid::from_u128(7))
    }

    #[test]
    fn a_topic_arn_is_read_and_written() {
        for text in
            ["arn:aws:sns:us-east-1:000000000000:a2a", "arn:aws-cn:sns:cn-north-1:123456789012:a2a_events-2"]
        {
            assert_eq!(text.parse::<TopicArn>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "a2a",
            "arn:aws:sqs:us-east-1:000000000000:a2a",
            "arn:aws:sns:us-east-1:000000000000:a2a.fifo",
            "arn:aws:sns:us-east-1:000000000000:a2a:4c8a",
            "arn:aws:sns:us-east-1:00000000000:a2a",
            "arn:aws:sns:us-east-1:000000000000:",
            "arn:aws:sns::000000000000:a2a",
            "arn:aws:sns:us-east-1:000000000000:a\"2a",
        ] {
            assert!(text.parse::<TopicArn>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_queue_of_another_account_region_or_topic_is_none_of_ours() {
        let topic: TopicArn = "arn:aws:sns:us-east-1:000000000000:a2a".parse().unwrap();
        assert_eq!(topic.instance_of(&topic.queue_arn(instance())), Some(instance()));
        for foreign in
            ["us-east-1:000000000001:a2a", "us-east-2:000000000000:a2a", "us-east-1:000000000000:b2b"]
        {
            assert_eq!(topic.instance_of(&format!("arn:aws:sqs:{foreign}-{}", instance())), None);
        }
        assert_eq!(topic.instance_of("q"), None);
    }

    #[test]
    fn a_queues_url_is_that_of_its_partition() {
        let url = |arn: &str| arn.parse::<TopicArn>().unwrap().queue_url(instance());
        let (id, account) = (instance(), "000000000000");
        assert_eq!(
            url("arn:aws:sns:us-east-1:000000000000:a2a"),
            format!("https://sqs.us-east-1.amazonaws.com/{account}/a2a-{id}")
        );
        assert_eq!(
            url("arn:aws-cn:sns:cn-north-1:000000000000:a2a"),
            format!("https://sqs.cn-north-1.amazonaws.com.cn/{account}/a2a-{id}")
        );
    }
}
