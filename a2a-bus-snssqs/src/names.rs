//! The names of queues: `<prefix>-<instance id>`, and back. The prefix follows from the topic's name.

use std::fmt::Write as _;

use a2a_core::InstanceId;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What SQS allows: 80 characters, of which a dash and a UUID take 37.
const MAX_PREFIX: usize = 80 - 1 - 36;

/// How many bytes of a digest stand for what is cut off a long name.
const DIGEST_BYTES: usize = 8;

/// What the names of the queues begin with that belong to one topic: the topic's name, which SQS allows as it is.
/// A name of more than 43 characters is cut, and a digest of the whole takes the place of its end.
///
/// So every queue's name keeps to the
/// [rules of SQS](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct QueuePrefix(String);

impl QueuePrefix {
    /// The prefix of a topic whose name has only characters of `A-Z a-z 0-9 - _`.
    pub(crate) fn of_topic(name: &str) -> Self {
        if name.len() <= MAX_PREFIX {
            return QueuePrefix(name.to_owned());
        }
        let mut prefix: String = name.chars().take(MAX_PREFIX - 1 - 2 * DIGEST_BYTES).collect();
        prefix.push('-');
        for byte in Sha256::digest(name).iter().take(DIGEST_BYTES) {
            // Writing to a string cannot fail.
            let _ = write!(prefix, "{byte:02x}");
        }
        QueuePrefix(prefix)
    }

    /// The name of an instance's queue.
    pub(crate) fn queue_of(&self, instance: InstanceId) -> String {
        format!("{}-{instance}", self.0)
    }

    /// What the names of all queues begin with. Those of another prefix may begin so too.
    pub(crate) fn stem(&self) -> String {
        format!("{}-", self.0)
    }

    /// A pattern of the names of all queues, in which `?` is one character.
    pub(crate) fn mask(&self) -> String {
        format!("{}-????????-????-????-????-????????????", self.0)
    }

    /// The instance whose queue has this name, if it is one of this prefix: `a2a-prod-…` is none of `a2a`.
    pub(crate) fn instance_of(&self, queue_name: &str) -> Option<InstanceId> {
        let id = queue_name.strip_prefix(&self.0)?.strip_prefix('-')?;
        let instance = InstanceId::from_uuid(Uuid::try_parse(id).ok()?);
        (self.queue_of(instance) == queue_name).then_some(instance)
    }
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
        let prefix = QueuePrefix::of_topic("a2a");
        let instance = InstanceId::from_uuid(SystemEnv.uuid());
        assert_eq!(prefix.queue_of(instance), format!("a2a-{instance}"));
        assert_eq!(prefix.instance_of(&prefix.queue_of(instance)), Some(instance));
    }

    #[test]
    fn a_prefix_that_begins_the_same_is_foreign() {
        let instance = InstanceId::from_uuid(SystemEnv.uuid());
        let ours = QueuePrefix::of_topic("a2a");
        for foreign in ["a2a-prod", "a2a-", "a2", "a2a--"] {
            let name = QueuePrefix::of_topic(foreign).queue_of(instance);
            assert_eq!(ours.instance_of(&name), None, "{name}");
        }
        for name in ["a2a", "a2a-", "a2a-x", &format!("a2a-{}", instance.uuid().simple())] {
            assert_eq!(ours.instance_of(name), None, "{name}");
        }
        let upper = format!("a2a-{}", instance.to_string().to_uppercase());
        assert_eq!(ours.instance_of(&upper), None);
    }

    #[test]
    fn long_names_that_begin_the_same_have_prefixes_of_their_own() {
        let (one, other) = ("x".repeat(43) + "1", "x".repeat(43) + "2");
        assert_ne!(QueuePrefix::of_topic(&one), QueuePrefix::of_topic(&other));
        assert_eq!(QueuePrefix::of_topic(&one), QueuePrefix::of_topic(&one));
    }

    #[test]
    fn a_url_tells_account_and_name() {
        let url = "https://sqs.us-east-1.amazonaws.com/123456789012/a2a-x";
        assert_eq!(name_in(url), "a2a-x");
        assert_eq!(account_in(url), Some("123456789012"));
        assert_eq!(account_in("http://localhost:4566/queue/a2a-x"), None);
    }

    proptest! {
        #[test]
        fn every_topics_name_gives_names_that_sqs_takes(name in "[A-Za-z0-9_-]{1,256}", id: u128) {
            let prefix = QueuePrefix::of_topic(&name);
            let instance = InstanceId::from_uuid(Uuid::from_u128(id));
            let queue = prefix.queue_of(instance);
            prop_assert!(queue.len() <= 80);
            prop_assert!(queue.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(prefix.instance_of(&queue), Some(instance));
        }
    }
}
