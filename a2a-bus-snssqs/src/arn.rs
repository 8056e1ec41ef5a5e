//! The topic's ARN, from which every other ARN and the account follow.

use std::fmt;
use std::str::FromStr;

use crate::ConfigError;

/// The ARN of a standard topic: `arn:<partition>:sns:<region>:<account>:<name>`.
///
/// ```
/// use a2a_bus_snssqs::TopicArn;
///
/// let topic: TopicArn = "arn:aws:sns:eu-west-1:123456789012:a2a-events".parse()?;
/// assert_eq!(topic.account(), "123456789012");
/// assert!("arn:aws:sns:eu-west-1:123456789012:orders.fifo".parse::<TopicArn>().is_err());
/// # Ok::<(), a2a_bus_snssqs::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TopicArn {
    partition: String,
    region: String,
    account: String,
    name: String,
}

impl TopicArn {
    /// Returns the region of the topic. Queues must be in the same one.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Returns the account that owns the topic. Queues must be in the same one.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Returns the topic's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ARN of a queue of this account and region.
    pub(crate) fn queue_arn(&self, queue_name: &str) -> String {
        let TopicArn { partition, region, account, .. } = self;
        format!("arn:{partition}:sqs:{region}:{account}:{queue_name}")
    }

    /// The name of the queue behind an ARN, where it is of this account and region.
    pub(crate) fn queue_name<'a>(&self, queue_arn: &'a str) -> Option<&'a str> {
        let name = queue_arn.rsplit(':').next()?;
        (self.queue_arn(name) == queue_arn).then_some(name)
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
        let [partition, region, account, name] = [partition, region, account, name].map(str::to_owned);
        Ok(TopicArn { partition, region, account, name })
    }
}

impl fmt::Display for TopicArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TopicArn { partition, region, account, name } = self;
        write!(f, "arn:{partition}:sns:{region}:{account}:{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_queue_of_another_account_or_region_is_none_of_ours() {
        let topic: TopicArn = "arn:aws:sns:us-east-1:000000000000:a2a".parse().unwrap();
        assert_eq!(topic.queue_name(&topic.queue_arn("q")), Some("q"));
        assert_eq!(topic.queue_name("arn:aws:sqs:us-east-1:000000000001:q"), None);
        assert_eq!(topic.queue_name("arn:aws:sqs:us-east-2:000000000000:q"), None);
        assert_eq!(topic.queue_name("q"), None);
    }
}
