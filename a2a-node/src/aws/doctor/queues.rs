//! Topic and queues: a round trip with the product's own code, then what a janitor may do.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use a2a_bus_snssqs::{Config, Deployment, Janitor, ProvisionedQueue, QueueLifecycle, Rules, SnsSqsBus};
use a2a_core::{BackendError, BusMessage, EventBus, InstanceId, News, SystemEnv, TaskKey, Tenant, Version};
use a2a_store_dynamodb::{Config as StoreConfig, DynamoDbStore};
use futures::future::try_join_all;
use tokio::time::{Instant, timeout};

use super::checkup::Checkup;
use crate::aws::clients::AwsClients;
use crate::aws::open::deployment;
use crate::report::with_causes;

/// A new queue, and a new subscription, may take seconds until they work.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);
/// What was sent before both worked is lost, so it is sent again.
const SEND_AGAIN: Duration = Duration::from_secs(2);

const QUEUE_ACTIONS: &str =
    "sqs:CreateQueue, TagQueue, GetQueueUrl, DeleteQueue, SendMessage, ReceiveMessage, DeleteMessage";

/// Checks the topic, a round trip through two queues of its own, and whether dead instances' queues can be found.
pub(super) async fn check(
    checkup: &mut Checkup,
    clients: &AwsClients,
    topic: &str,
    prefix: &str,
    table: &str,
) -> io::Result<()> {
    let deployment = match deployment(topic, prefix, table) {
        Ok(deployment) => deployment,
        Err(error) => {
            let advice = "give the ARN that `a2a-node provision` prints, and a prefix as --help describes it";
            return checkup.failed("topic", error.to_string(), advice);
        }
    };
    let ends = [(); 2].map(|()| End::new(clients, &deployment));
    let queues = match try_join_all(ends.iter().map(End::provision)).await {
        Ok(queues) => queues,
        Err(error) => {
            let advice = format!(
                "the topic must exist in the region and account of the credentials; allow {QUEUE_ACTIONS} on \
                 {prefix}-* and sns:GetTopicAttributes, Subscribe on the topic"
            );
            return checkup.failed("topic", with_causes(&error), advice);
        }
    };
    checkup.ok("topic", format!("{} is there, and two queues subscribe to it", deployment.topic()))?;
    let buses: Vec<_> = ends.iter().zip(&queues).map(|(end, queue)| end.attach(clients, queue)).collect();
    if let [first, second] = buses.as_slice() {
        round_trip(checkup, first, second, prefix).await?;
    }
    for bus in &buses {
        // Attached to queues that we made ourselves, so nothing is removed, and nothing can fail.
        let _ = bus.close().await;
    }
    let mut left = Vec::new();
    for (end, queue) in ends.iter().zip(&queues) {
        left.extend(Box::pin(end.lifecycle.teardown(queue)).await);
    }
    if left.is_empty() {
        checkup.ok("clean-up", "both queues and subscriptions are removed again")?;
    } else {
        let left = left.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let advice =
            format!("allow sns:Unsubscribe, and sqs:DeleteQueue on {prefix}-*; then `a2a-node reap`");
        checkup.failed("clean-up", left, advice)?;
    }
    janitor(checkup, clients, deployment, table).await
}

/// One of the two that talk to each other.
struct End {
    config: Config,
    lifecycle: QueueLifecycle,
}

impl End {
    fn new(clients: &AwsClients, deployment: &Deployment) -> Self {
        let id = InstanceId::generate(&SystemEnv);
        let config = Config::new(deployment.clone(), id);
        let lifecycle = QueueLifecycle::new(clients.messaging.clone(), config.clone());
        Self { config, lifecycle }
    }

    async fn provision(&self) -> Result<ProvisionedQueue, BackendError> {
        Box::pin(self.lifecycle.provision()).await
    }

    fn attach(&self, clients: &AwsClients, queue: &ProvisionedQueue) -> SnsSqsBus {
        let (clients, config) = (clients.messaging.clone(), self.config.clone());
        SnsSqsBus::attach(clients, config, Arc::new(SystemEnv), queue.clone())
    }
}

/// Sends to one queue directly and to both through the topic.
async fn round_trip(
    checkup: &mut Checkup,
    first: &SnsSqsBus,
    second: &SnsSqsBus,
    prefix: &str,
) -> io::Result<()> {
    match arrives(first, &[second], 1).await {
        Ok(took) => checkup.ok("queue", format!("a message to one instance arrived after {took:.1?}"))?,
        Err(why) => {
            let advice = format!("allow {QUEUE_ACTIONS} on {prefix}-*");
            checkup.failed("queue", why, advice)?;
        }
    }
    match arrives(first, &[first, second], 2).await {
        Ok(took) => checkup.ok("publish", format!("a message to two instances arrived after {took:.1?}")),
        Err(why) => {
            let advice = "allow sns:Publish on the topic; a topic or queue with a key of your own needs that key's \
                          policy to let in sns.amazonaws.com and the instances";
            checkup.failed("publish", why, advice)
        }
    }
}

/// Sends until all have received, and says how long that took.
async fn arrives(from: &SnsSqsBus, to: &[&SnsSqsBus], version: u64) -> Result<Duration, String> {
    let begun = Instant::now();
    let ids: Vec<_> = to.iter().map(|bus| bus.me()).collect();
    let task = TaskKey::new(Tenant::default(), "doctor");
    let message =
        BusMessage { from: from.me(), task, news: News::Changed(Version::new(version)), trace: None };
    let sending = async {
        loop {
            if let Err(error) = from.send(&ids, &message).await
                && !error.is_transient()
            {
                return error;
            }
            tokio::time::sleep(SEND_AGAIN).await;
        }
    };
    let receiving = try_join_all(to.iter().map(|bus| async {
        while !bus.receive().await?.iter().any(|received| received.news == message.news) {}
        Ok::<_, BackendError>(())
    }));
    let exchange = async {
        tokio::select! {
            error = sending => Err(with_causes(&error)),
            received = receiving => received.map(|_| begun.elapsed()).map_err(|error| with_causes(&error)),
        }
    };
    timeout(ARRIVES_WITHIN, exchange)
        .await
        .unwrap_or_else(|_| Err(format!("did not arrive within {ARRIVES_WITHIN:?}")))
}

async fn janitor(
    checkup: &mut Checkup,
    clients: &AwsClients,
    deployment: Deployment,
    table: &str,
) -> io::Result<()> {
    let store = Arc::new(DynamoDbStore::new(clients.dynamodb.clone(), StoreConfig::new(table)));
    let rules = Rules::default().dry_run(true);
    let janitor = Janitor::new(clients.messaging.clone(), deployment, store, rules);
    let why = match Box::pin(janitor.pass()).await {
        Ok(pass) if pass.left.is_empty() => {
            let detail = match pass.removed.len() {
                0 => "dead instances have left nothing".to_owned(),
                dead => format!(
                    "{dead} dead instances have left queues, which instances or `a2a-node reap` remove"
                ),
            };
            return checkup.ok("janitor", detail);
        }
        Ok(pass) => pass.left.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Err(error) => with_causes(&error),
    };
    let advice = "allow sqs:ListQueues, ListQueueTags, GetQueueAttributes and sns:ListSubscriptionsByTopic, so that \
                  instances remove the queues of those that died";
    checkup.failed("janitor", why, advice)
}
