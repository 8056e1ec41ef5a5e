//! What there is: the queues of a prefix and the subscriptions of a topic, page by page.

use std::collections::BTreeMap;
use std::time::Duration;

use a2a_core::InstanceId;

use crate::clients::call;
use crate::error::Failure;
use crate::{Clients, Deployment, names};

/// The queues by instance. Their names say whose they are; whether they are of this deployment, their tags.
pub(super) type Queues = BTreeMap<InstanceId, String>;

/// The ARNs of the subscriptions, by the instance to whose queue they lead.
pub(super) type Subscriptions = BTreeMap<InstanceId, Vec<String>>;

pub(super) async fn queues(
    clients: &Clients,
    deployment: &Deployment,
    limit: Duration,
) -> Result<Queues, Failure> {
    let mut found = Queues::new();
    let mut page = None;
    loop {
        let list = clients.sqs.list_queues().queue_name_prefix(deployment.prefix.stem());
        let listed = call("ListQueues", limit, list.max_results(1000).set_next_token(page).send()).await?;
        for url in listed.queue_urls() {
            if let Some(instance) = deployment.prefix.instance_of(names::name_in(url)) {
                found.insert(instance, url.clone());
            }
        }
        page = listed.next_token.filter(|token| !token.is_empty());
        if page.is_none() {
            return Ok(found);
        }
    }
}

pub(super) async fn subscriptions(
    clients: &Clients,
    deployment: &Deployment,
    limit: Duration,
) -> Result<Subscriptions, Failure> {
    let mut found = Subscriptions::new();
    let mut page = None;
    loop {
        let list = clients.sns.list_subscriptions_by_topic().topic_arn(deployment.topic.to_string());
        let listed = call("ListSubscriptionsByTopic", limit, list.set_next_token(page).send()).await?;
        for subscription in listed.subscriptions() {
            let (Some(arn), Some("sqs"), Some(endpoint)) =
                (subscription.subscription_arn(), subscription.protocol(), subscription.endpoint())
            else {
                continue;
            };
            let instance = deployment.topic.queue_name(endpoint);
            let instance = instance.and_then(|name| deployment.prefix.instance_of(name));
            // Of a subscription that nobody confirmed, SNS tells no ARN.
            if let Some(instance) = instance.filter(|_| arn.starts_with("arn:")) {
                found.entry(instance).or_default().push(arn.to_owned());
            }
        }
        page = listed.next_token.filter(|token| !token.is_empty());
        if page.is_none() {
            return Ok(found);
        }
    }
}
