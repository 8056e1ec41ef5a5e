//! What no membership record leads to any more, for an operator: survivors find what the dead leave by its record.

use std::collections::BTreeSet;
use std::time::Duration;

use a2a_core::{InstanceId, Membership, Result};
use tokio::time::{MissedTickBehavior, interval};

use crate::clients::call;
use crate::error::Failure;
use crate::listing;
use crate::resources::Resources;
use crate::topic::DEPLOYMENT_TAG;

/// An account may ask for tags five times a second, for all purposes.
const TAGS_EVERY: Duration = Duration::from_millis(250);

/// Whose queues and subscriptions there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Instances that have a record. Where this is empty and `orphans` is not, either the whole deployment is gone,
    /// or these are not its members.
    pub known: Vec<InstanceId>,
    /// Instances without one: to be released, if the members are those of this deployment.
    pub orphans: Vec<InstanceId>,
}

/// Lists first and asks for records after: whoever makes a queue meanwhile has joined before that.
pub(crate) async fn inventory(resources: &Resources, members: &dyn Membership) -> Result<Inventory> {
    let queues = listing::queues(resources.listing()).await?;
    let subscriptions = listing::subscriptions(resources.listing()).await?;
    let mut pace = interval(TAGS_EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut inventory = Inventory::default();
    let found: BTreeSet<_> = queues.keys().chain(subscriptions.keys()).copied().collect();
    for instance in found {
        if members.member(&instance).await?.is_some() {
            inventory.known.push(instance);
            continue;
        }
        // Anybody may name a queue like ours. What is subscribed to our topic is ours.
        let is_ours = match queues.get(&instance) {
            Some(url) => {
                pace.tick().await;
                is_of_the_deployment(resources, url).await?
            }
            None => true,
        };
        if is_ours {
            inventory.orphans.push(instance);
        }
    }
    Ok(inventory)
}

async fn is_of_the_deployment(resources: &Resources, queue_url: &str) -> Result<bool, Failure> {
    let Resources { clients, topic, config, .. } = resources;
    let asked = clients.sqs.list_queue_tags().queue_url(queue_url).send();
    match call("ListQueueTags", config.call_within, asked).await {
        Ok(listed) => Ok(listed
            .tags
            .is_some_and(|tags| tags.get(DEPLOYMENT_TAG).is_some_and(|tag| tag == topic.name()))),
        Err(error) if error.is(|error| error.is_queue_does_not_exist()) => Ok(false),
        Err(error) => Err(error.failure),
    }
}
