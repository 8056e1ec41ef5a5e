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

/// What SNS calls the policy, and its only statement, of a topic for which nobody has set one. Whoever edits that policy may keep
/// its name, and adds statements.
const DEFAULT_POLICY: &str = "__default_policy_ID";
const DEFAULT_STATEMENT: &str = "__default_statement_ID";

const CALL_WITHIN: Duration = Duration::from_secs(30);

/// Creates the standard topic `name`, tagged with its name, and returns its ARN.
///
/// An operator's step: no instance ever creates a topic. Idempotent; not cancel safe, but may be repeated.
///
/// # Errors
///
/// `Rejected` for a name that SNS does not take, a missing permission, or a topic of that name without that tag. One that
/// has further tags is taken as it is.
pub async fn create_topic(sns: &Client, name: &str) -> Result<TopicArn> {
    let tag = Tag::builder().key(DEPLOYMENT_TAG).value(name).build();
    let tag = tag.map_err(|error| Failure::refused("CreateTopic", error.to_string()))?;
    let created = call("CreateTopic", CALL_WITHIN, sns.create_topic().name(name).tags(tag.clone()).send());
    let arn = match created.await {
        Ok(created) => created.topic_arn.ok_or_else(|| Failure::incomplete("CreateTopic", "topic ARN"))?,
        // SNS makes nothing where there is a topic with other tags, and does not say which.
        Err(error) if error.is(|error| error.is_invalid_parameter_exception()) => {
            tagged_topic(sns, name, &tag).await?.ok_or_else(|| Failure::from(error))?
        }
        Err(error) => return Err(Failure::from(error).into()),
    };
    Ok(arn.parse::<TopicArn>()?)
}

/// The topic of a name, if it has this tag among others.
async fn tagged_topic(sns: &Client, name: &str, tag: &Tag) -> Result<Option<String>, Failure> {
    let mut page = None;
    let arn = loop {
        let listed = call("ListTopics", CALL_WITHIN, sns.list_topics().set_next_token(page).send()).await?;
        let mut arns = listed.topics().iter().filter_map(|topic| topic.topic_arn());
        if let Some(arn) = arns.find(|arn| arn.rsplit(':').next() == Some(name)) {
            break arn.to_owned();
        }
        page = listed.next_token.filter(|token| !token.is_empty());
        if page.is_none() {
            return Ok(None);
        }
    };
    let listed = sns.list_tags_for_resource().resource_arn(&arn).send();
    let listed = call("ListTagsForResource", CALL_WITHIN, listed).await?;
    Ok(listed.tags().contains(tag).then_some(arn))
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
    if policy.is_object() && !is_default(&policy) {
        return Ok(lets_through(topic, roles, &policy));
    }
    let ours = policy::topic::policy(topic, roles);
    let set = sns.set_topic_attributes().topic_arn(topic.to_string());
    let set = set.attribute_name("Policy").attribute_value(ours.to_string()).send();
    call("SetTopicAttributes", CALL_WITHIN, set).await.map_err(Failure::from)?;
    Ok(Vec::new())
}

fn is_default(policy: &Value) -> bool {
    let named = |value: Option<&Value>, name: &str| value.and_then(Value::as_str) == Some(name);
    let statements = policy.get("Statement").and_then(Value::as_array);
    let is_untouched = statements.is_some_and(|statements| match statements.as_slice() {
        [only] => named(only.get("Sid"), DEFAULT_STATEMENT),
        _ => false,
    });
    named(policy.get("Id"), DEFAULT_POLICY) && is_untouched
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

#[cfg(test)]
mod tests {
    use aws_sdk_sns::operation::create_topic::CreateTopicError;
    use aws_sdk_sns::operation::list_tags_for_resource::ListTagsForResourceOutput;
    use aws_sdk_sns::operation::list_topics::ListTopicsOutput;
    use aws_sdk_sns::types::Topic;
    use aws_sdk_sns::types::error::InvalidParameterException;
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    use super::*;

    const OURS: &str = "arn:aws:sns:eu-west-1:123456789012:a2a";

    /// What is answered for a topic that has these tags, as SNS does where it has others than were asked for.
    async fn created(tags: &[(&str, &str)]) -> Result<TopicArn> {
        let tags: Vec<_> =
            tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build().unwrap()).collect();
        let refused = mock!(Client::create_topic).then_error(|| {
            let told = "Tags Reason: Topic already exists with different tags";
            CreateTopicError::InvalidParameterException(
                InvalidParameterException::builder().message(told).build(),
            )
        });
        let first = mock!(Client::list_topics).match_requests(|asked| asked.next_token().is_none());
        let first = first.then_output(|| {
            let longer = Topic::builder().topic_arn(format!("{OURS}-b")).build();
            ListTopicsOutput::builder().topics(longer).next_token("2").build()
        });
        let second = mock!(Client::list_topics).match_requests(|asked| asked.next_token() == Some("2"));
        let second = second.then_output(|| {
            ListTopicsOutput::builder().topics(Topic::builder().topic_arn(OURS).build()).build()
        });
        let tagged = mock!(Client::list_tags_for_resource)
            .match_requests(|asked| asked.resource_arn() == Some(OURS))
            .then_output(move || ListTagsForResourceOutput::builder().set_tags(Some(tags.clone())).build());
        let rules = [&refused, &first, &second, &tagged];
        create_topic(&mock_client!(aws_sdk_sns, RuleMode::MatchAny, rules), "a2a").await
    }

    #[test]
    fn a_policy_that_was_edited_is_not_the_default_one_whatever_it_is_called() {
        let statement = |sid: &str| serde_json::json!({ "Sid": sid, "Effect": "Allow" });
        let policy =
            |id: &str, statements: &[Value]| serde_json::json!({ "Id": id, "Statement": statements });
        let (own, more) = (statement(DEFAULT_STATEMENT), statement("OrdersToo"));
        assert!(is_default(&policy(DEFAULT_POLICY, std::slice::from_ref(&own))));
        for edited in [
            policy(DEFAULT_POLICY, &[own.clone(), more.clone()]),
            policy(DEFAULT_POLICY, &[more]),
            policy(DEFAULT_POLICY, &[]),
            policy("ours", &[own]),
            Value::Null,
        ] {
            assert!(!is_default(&edited), "{edited}");
        }
    }

    #[tokio::test]
    async fn a_topic_that_has_more_tags_is_ours_and_one_of_another_deployment_is_not() {
        let topic = created(&[("team", "agents"), (DEPLOYMENT_TAG, "a2a")]).await.unwrap();
        assert_eq!(topic.to_string(), OURS);
        for others in [&[][..], &[(DEPLOYMENT_TAG, "b2b")], &[("deployment", "a2a")]] {
            let refused = created(others).await.unwrap_err();
            assert!(refused.to_string().contains("CreateTopic failed"), "{refused}");
        }
    }
}
