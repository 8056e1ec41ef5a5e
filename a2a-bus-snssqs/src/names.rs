//! The names of queues: `<prefix>-<instance id>`, and back.

use std::fmt;

use a2a_core::InstanceId;
use uuid::Uuid;

use crate::ConfigError;

/// What SQS allows: 80 characters, of which a dash and a UUID take 37.
const MAX_PREFIX: usize = 80 - 1 - 36;

/// What the names of one deployment's queues begin with.
///
/// At most 43 of `A-Z a-z 0-9 - _`, so that every queue's name keeps to the
/// [rules of SQS](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct QueuePrefix(String);

impl QueuePrefix {
    pub(crate) fn new(prefix: &str) -> Result<Self, ConfigError> {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if prefix.is_empty() || prefix.len() > MAX_PREFIX || !prefix.chars().all(is_allowed) {
            return Err(ConfigError::Prefix { prefix: prefix.to_owned(), longest: MAX_PREFIX });
        }
        Ok(QueuePrefix(prefix.to_owned()))
    }

    /// The name of an instance's queue.
    pub(crate) fn queue_of(&self, instance: InstanceId) -> String {
        format!("{}-{instance}", self.0)
    }

    /// What the names of all queues begin with. Those of another prefix may begin so too.
    pub(crate) fn stem(&self) -> String {
        format!("{}-", self.0)
    }

    /// The instance whose queue has this name, if it is one of this prefix: `a2a-prod-…` is none of `a2a`.
    pub(crate) fn instance_of(&self, queue_name: &str) -> Option<InstanceId> {
        let id = queue_name.strip_prefix(&self.0)?.strip_prefix('-')?;
        let instance = InstanceId::from_uuid(Uuid::try_parse(id).ok()?);
        (self.queue_of(instance) == queue_name).then_some(instance)
    }
}

impl fmt::Display for QueuePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The URL of another queue of the same account and region, which differs in its last part only.
pub(crate) fn sibling(url: &str, queue_name: &str) -> String {
    let parent = url.rsplit_once('/').map_or(url, |(parent, _)| parent);
    format!("{parent}/{queue_name}")
}

/// The name of the queue at a URL.
pub(crate) fn name_in(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// The account of the queue at a URL, where the URL tells it.
pub(crate) fn account_in(url: &str) -> Option<&str> {
    let account = url.rsplit('/').nth(1)?;
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(account)
}

#[cfg(test)]
mod tests {
    use a2a_core::{Env as _, SystemEnv};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_queue_name_leads_back_to_its_instance() {
        let prefix = QueuePrefix::new("a2a").unwrap();
        let instance = InstanceId::from_uuid(SystemEnv.uuid());
        assert_eq!(prefix.instance_of(&prefix.queue_of(instance)), Some(instance));
    }

    #[test]
    fn a_prefix_that_begins_the_same_is_foreign() {
        let instance = InstanceId::from_uuid(SystemEnv.uuid());
        let ours = QueuePrefix::new("a2a").unwrap();
        for foreign in ["a2a-prod", "a2a-", "a2", "a2a--"] {
            let name = QueuePrefix::new(foreign).unwrap().queue_of(instance);
            assert_eq!(ours.instance_of(&name), None, "{name}");
        }
        for name in ["a2a", "a2a-", "a2a-x", &format!("a2a-{}", instance.uuid().simple())] {
            assert_eq!(ours.instance_of(name), None, "{name}");
        }
        let upper = format!("a2a-{}", instance.to_string().to_uppercase());
        assert_eq!(ours.instance_of(&upper), None);
    }

    #[test]
    fn a_sibling_differs_in_the_last_part() {
        let url = "https://sqs.us-east-1.amazonaws.com/123456789012/a2a-x";
        assert_eq!(sibling(url, "a2a-y"), "https://sqs.us-east-1.amazonaws.com/123456789012/a2a-y");
        assert_eq!(name_in(url), "a2a-x");
        assert_eq!(account_in(url), Some("123456789012"));
        assert_eq!(account_in("http://localhost:4566/queue/a2a-x"), None);
    }

    proptest! {
        #[test]
        fn any_prefix_gives_a_name_that_sqs_takes_or_an_error(prefix in ".{0,60}", id: u128) {
            let Ok(prefix) = QueuePrefix::new(&prefix) else { return Ok(()) };
            let name = prefix.queue_of(InstanceId::from_uuid(Uuid::from_u128(id)));
            prop_assert!(name.len() <= 80);
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        }

        #[test]
        fn every_legal_prefix_is_taken(prefix in "[A-Za-z0-9_-]{1,43}") {
            prop_assert!(QueuePrefix::new(&prefix).is_ok());
        }
    }
}
