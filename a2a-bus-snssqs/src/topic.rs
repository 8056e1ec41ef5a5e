//! The topic: made only when an operator asks, verified otherwise.

use std::time::Duration;

use a2a_core::Result;
use aws_sdk_sns::types::Tag;

use crate::clients::call;
use crate::error::Failure;
use crate::{Clients, TopicArn};

/// The tag that names the deployment, on the topic and on each queue.
pub(crate) const DEPLOYMENT_TAG: &str = "a2a:deployment";

const CALL_WITHIN: Duration = Duration::from_secs(30);

/// Creates the standard topic `name`, tagged with the deployment's name, and returns its ARN.
///
/// An operator's step: no instance ever creates a topic. Idempotent; not cancel safe, but may be repeated.
///
/// # Errors
///
/// `Rejected` for a name that SNS does not take, a missing permission, or a topic of that name that has other
/// tags.
pub async fn create_topic(clients: &Clients, name: &str, deployment: &str) -> Result<TopicArn> {
    let tag = Tag::builder().key(DEPLOYMENT_TAG).value(deployment).build();
    let tag = tag.map_err(|error| Failure::refused("CreateTopic", error.to_string()))?;
    let created = call("CreateTopic", CALL_WITHIN, clients.sns.create_topic().name(name).tags(tag).send());
    let created = created.await.map_err(Failure::from)?;
    let arn = created.topic_arn().ok_or_else(|| Failure::incomplete("CreateTopic", "topic ARN"))?;
    Ok(arn.parse::<TopicArn>()?)
}

/// Checks that the topic exists.
pub(crate) async fn verify(
    sns: &aws_sdk_sns::Client,
    topic: &TopicArn,
    limit: Duration,
) -> Result<(), Failure> {
    let asked = sns.get_topic_attributes().topic_arn(topic.to_string()).send();
    match call("GetTopicAttributes", limit, asked).await {
        Ok(_) => Ok(()),
        Err(error) if error.is(|error| error.is_not_found_exception()) => {
            Err(Failure::refused("GetTopicAttributes", format!("there is no topic {topic}: create it first")))
        }
        Err(error) => Err(error.failure),
    }
}
