//! Topic and queues: what instances do with them, with the product's own code.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use a2a_core::wire::Seal;
use a2a_core::{
    BackendError, BusMessage, Endpoint, EventBus, InstanceId, News, Reach, Recipient, SystemEnv, TaskKey,
    Tenant, Version,
};
use futures::future::{join_all, try_join_all};
use tokio::time::{Instant, timeout};

use super::checkup::Checkup;
use crate::aws::clients::Aws;
use crate::report::with_causes;

/// A new queue, and a new subscription, may take seconds until they work.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);
/// What was sent before both worked is lost, so it is sent again.
const SEND_AGAIN: Duration = Duration::from_secs(2);

const QUEUE_ACTIONS: &str =
    "sqs:CreateQueue, TagQueue, DeleteQueue, SendMessage, ReceiveMessage, DeleteMessage";

/// Checks the topic, a round trip through two queues of its own, and whether these can be released as those of dead
/// instances are.
pub(super) async fn check(checkup: &mut Checkup, aws: &Aws, topic: &str) -> io::Result<()> {
    let bus = match aws.bus(topic) {
        Ok(bus) => bus,
        Err(error) => {
            let advice = "give the ARN that `a2a-node provision` prints";
            return checkup.failed("topic", error.to_string(), advice);
        }
    };
    let ids = [(); 2].map(|()| InstanceId::generate(&SystemEnv));
    let seal = Arc::new(Seal::open());
    let queues = bus.topic().name();
    match try_join_all(ids.iter().map(|id| bus.connect(id, &seal))).await {
        Ok(ends) => {
            checkup.ok("topic", format!("{} can be used, and two queues are made", bus.topic()))?;
            if let [one, other] = ends.as_slice() {
                round_trip(checkup, &**one, &**other, queues).await?;
            }
        }
        Err(error) => {
            let advice = format!(
                "the topic must exist in the account of the credentials; allow {QUEUE_ACTIONS} on {queues}-* and \
                 sns:Subscribe on the topic"
            );
            checkup.failed("topic", with_causes(&error), advice)?;
        }
    }
    // Also where only one could connect.
    let left: Vec<_> = join_all(ids.iter().map(|id| bus.release(id))).await;
    let left: Vec<_> = left.iter().filter_map(|released| released.as_ref().err()).map(with_cause).collect();
    if left.is_empty() {
        return checkup.ok("clean-up", "both queues and subscriptions are removed again");
    }
    let advice = format!(
        "allow sns:ListSubscriptionsByTopic on the topic, sns:Unsubscribe, and sqs:DeleteQueue on {queues}-*; then \
         `a2a-node reap`"
    );
    checkup.failed("clean-up", left.join("; "), advice)
}

fn with_cause(error: &BackendError) -> String {
    with_causes(error)
}

/// Sends to one queue directly and to both through the topic.
async fn round_trip(
    checkup: &mut Checkup,
    one: &dyn Endpoint,
    other: &dyn Endpoint,
    queues: &str,
) -> io::Result<()> {
    match arrives(one, &[other], Reach::Direct, 1).await {
        Ok(took) => checkup.ok("queue", format!("a message to one instance arrived after {took:.1?}"))?,
        Err(why) => checkup.failed("queue", why, format!("allow {QUEUE_ACTIONS} on {queues}-*"))?,
    }
    match arrives(one, &[one, other], Reach::Topic, 2).await {
        Ok(took) => checkup.ok("publish", format!("a message to two instances arrived after {took:.1?}")),
        Err(why) => {
            let advice = "allow sns:Publish and sns:Subscribe on the topic; a topic or queue with a key of your own needs \
                          that key's policy to let in sns.amazonaws.com and the instances";
            checkup.failed("publish", why, advice)
        }
    }
}

/// Sends until all have received, and says how long that took.
async fn arrives(
    from: &dyn Endpoint,
    to: &[&dyn Endpoint],
    reach: Reach,
    version: u64,
) -> Result<Duration, String> {
    let begun = Instant::now();
    let recipients: Vec<_> = to.iter().map(|end| Recipient { instance: end.me(), reach }).collect();
    let task = TaskKey::new(Tenant::default(), "doctor");
    let message =
        BusMessage { from: from.me(), task, news: News::Changed(Version::new(version)), trace: None };
    let sending = async {
        loop {
            if let Err(error) = from.send(&recipients, &message).await
                && !error.is_transient()
            {
                return error;
            }
            tokio::time::sleep(SEND_AGAIN).await;
        }
    };
    let receiving = try_join_all(to.iter().map(|end| async {
        while !end.receive().await?.iter().any(|received| received.news == message.news) {}
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
