//! The topic: made only when an operator asks.

use std::time::Duration;

use a2a_core::Result;
use aws_sdk_sns::types::Tag;

use crate::TopicArn;
use crate::clients::call;
use crate::error::Failure;

/// The tag that names the deployment, which is the topic's name, on the topic and on each queue.
pub(crate) const DEPLOYMENT_TAG: &str = "a2a:deployment";

const CALL_WITHIN: Duration = Duration::from_secs(30);

/// Creates the standard topic `name`, tagged with its name, and returns its ARN.
///
/// An operator's step: no instance ever creates a topic. Idempotent; not cancel safe, but may be repeated.
///
/// # Errors
///
/// `Rejected` for a name that SNS does not take, a missing permission, or a topic of that name that has other
/// tags.
pub async fn create_topic(sns: &aws_sdk_sns::Client, name: &str) -> Result<TopicArn> {
    let tag = Tag::builder().key(DEPLOYMENT_TAG).value(name).build();
    let tag = tag.map_err(|error| Failure::refused("CreateTopic", error.to_string()))?;
    let created = call("CreateTopic", CALL_WITHIN, sns.create_topic().name(name).tags(tag).send());
    let created = created.await.map_err(Failure::from)?;
    let arn = created.topic_arn().ok_or_else(|| Failure::incomplete("CreateTopic", "topic ARN"))?;
    Ok(arn.parse::<TopicArn>()?)
}
