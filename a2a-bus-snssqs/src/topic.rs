//! The topic: made and protected only when an operator asks.

use std::time::Duration;

use a2a_core::Result;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::Tag;
use serde_json::Value;

use crate::clients::call;
use crate::error::Failure;
use crate::{TopicArn, policy};

/// The tag that names the deployment, which is the topic's name, on the topic and on each queue.
pub(crate) const DEPLOYMENT_TAG: &str = "a2a:deployment";

/// What SNS calls the policy of a topic for which nobody has set one.
const DEFAULT_POLICY: &str = "__default_policy_ID";

const CALL_WITHIN: Duration = Duration::from_secs(30);

/// Creates the standard topic `name`, tagged with its name, and returns its ARN.
///
/// An operator's step: no instance ever creates a topic. Idempotent; not cancel safe, but may be repeated.
///
/// # Errors
///
/// `Rejected` for a name that SNS does not take, a missing permission, or a topic of that name that has other
/// tags.
pub async fn create_topic(sns: &Client, name: &str) -> Result<TopicArn> {
    let tag = Tag::builder().key(DEPLOYMENT_TAG).value(name).build();
    let tag = tag.map_err(|error| Failure::refused("CreateTopic", error.to_string()))?;
    let created = call("CreateTopic", CALL_WITHIN, sns.create_topic().name(name).tags(tag).send());
    let created = created.await.map_err(Failure::from)?;
    let arn = created.topic_arn().ok_or_else(|| Failure::incomplete("CreateTopic", "topic ARN"))?;
    Ok(arn.parse::<TopicArn>()?)
}

/// Gives a topic that has none a policy, which refuses what [`topic_lets_through`] names. One that has a policy keeps it.
/// `roles` are the roles of the instances, as in [`SnsSqsConfig::instance_roles`](crate::SnsSqsConfig::instance_roles).
///
/// Tells what the topic lets through afterwards: nothing, unless its own policy does. An operator's step. Idempotent.
///
/// # Errors
///
/// `Rejected` for a missing permission: it needs `sns:GetTopicAttributes` and `sns:SetTopicAttributes`.
pub async fn protect_topic(sns: &Client, topic: &TopicArn, roles: &[String]) -> Result<Vec<&'static str>> {
    let policy = read_policy(sns, topic).await?;
    let is_set = policy.is_object() && policy["Id"] != DEFAULT_POLICY;
    if is_set {
        return Ok(lets_through(topic, roles, &policy));
    }
    let ours = policy::topic::policy(topic, roles);
    let set = sns.set_topic_attributes().topic_arn(topic.to_string());
    let set = set.attribute_name("Policy").attribute_value(ours.to_string()).send();
    call("SetTopicAttributes", CALL_WITHIN, set).await.map_err(Failure::from)?;
    Ok(Vec::new())
}

/// Tells what the policy of a topic does not refuse and should, in words for an operator: requests in clear text or of other
/// accounts, subscriptions of anything but the instances' queues, and, where `roles` are named, what others publish.
///
/// # Errors
///
/// `Rejected` for a missing permission: it needs `sns:GetTopicAttributes`.
pub async fn topic_lets_through(
    sns: &Client,
    topic: &TopicArn,
    roles: &[String],
) -> Result<Vec<&'static str>> {
    Ok(lets_through(topic, roles, &read_policy(sns, topic).await?))
}

fn lets_through(topic: &TopicArn, roles: &[String], policy: &Value) -> Vec<&'static str> {
    let refusals = policy::topic::refusals(topic, roles);
    policy::missing(&refusals, policy, &topic.to_string())
}

/// The policy; null where there is none, or none that can be read.
async fn read_policy(sns: &Client, topic: &TopicArn) -> Result<Value> {
    let asked = sns.get_topic_attributes().topic_arn(topic.to_string()).send();
    let told = call("GetTopicAttributes", CALL_WITHIN, asked).await.map_err(Failure::from)?;
    let policy = told.attributes().and_then(|attributes| attributes.get("Policy"));
    Ok(policy.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
}
