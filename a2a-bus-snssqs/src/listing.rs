//! What there is of a topic: its queues, and its subscriptions, page by page.

use std::collections::BTreeMap;

use a2a_core::InstanceId;

use crate::clients::call;
use crate::error::Failure;
use crate::{Clients, SnsSqsConfig, TopicArn, names};

/// Whose queues and subscriptions are listed, and by which calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listing<'a> {
    pub(crate) clients: &'a Clients,
    pub(crate) topic: &'a TopicArn,
    pub(crate) config: &'a SnsSqsConfig,
}

/// The URLs of the queues whose names are those of instances. Only their tags tell whether they are of this topic.
pub(crate) async fn queues(listing: Listing<'_>) -> Result<BTreeMap<InstanceId, String>, Failure> {
    let Listing { clients, topic, config } = listing;
    let mut found = BTreeMap::new();
    let mut page = None;
    loop {
        // SQS pages only when it is asked to.
        let list = clients.sqs.list_queues().queue_name_prefix(topic.prefix().stem()).max_results(1000);
        let listed = call("ListQueues", config.call_within, list.set_next_token(page).send()).await?;
        for url in listed.queue_urls() {
            if let Some(instance) = topic.prefix().instance_of(names::name_in(url)) {
                found.insert(instance, url.clone());
            }
        }
        page = listed.next_token.filter(|token| !token.is_empty());
        if page.is_none() {
            return Ok(found);
        }
    }
}

/// The ARNs of the topic's subscriptions, by the instance to whose queue they lead: one at most, because SNS keeps
/// no two of one endpoint. Some hundred on a page; 30 pages a second for all of an account.
pub(crate) async fn subscriptions(listing: Listing<'_>) -> Result<BTreeMap<InstanceId, String>, Failure> {
    let Listing { clients, topic, config } = listing;
    let mut found = BTreeMap::new();
    let mut page = None;
    loop {
        let list = clients.sns.list_subscriptions_by_topic().topic_arn(topic.to_string());
        let listed = match call(
            "ListSubscriptionsByTopic",
            config.call_within,
            list.set_next_token(page).send(),
        )
        .await
        {
            Ok(listed) => listed,
            // No topic, no subscriptions.
            Err(error) if error.is(|error| error.is_not_found_exception()) => return Ok(found),
            Err(error) => return Err(error.failure),
        };
        for subscription in listed.subscriptions() {
            let (Some(arn), Some("sqs"), Some(endpoint)) =
                (subscription.subscription_arn(), subscription.protocol(), subscription.endpoint())
            else {
                continue;
            };
            // Of a subscription that nobody confirmed, SNS tells no ARN.
            if arn.starts_with("arn:")
                && let Some(instance) = topic.instance_of(endpoint)
            {
                found.insert(instance, arn.to_owned());
            }
        }
        page = listed.next_token.filter(|token| !token.is_empty());
        if page.is_none() {
            return Ok(found);
        }
    }
}
