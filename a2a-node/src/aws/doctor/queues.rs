//! Topic and queues: what instances do with them, with the product's own code.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use a2a_bus_snssqs::SnsSqsBus;
use a2a_core::wire::Seal;
use a2a_core::{
    BackendError, BusMessage, Endpoint, EventBus, InstanceId, News, Reach, Recipient, SystemEnv, TaskKey,
    Tenant, Version,
};
use aws_sdk_sns::operation::publish::PublishError;
use futures::future::{join_all, try_join_all};
use tokio::time::{Instant, timeout};

use super::checkup::Checkup;
use super::guests::Guests;
use super::{left_over, policies, quota};
use crate::aws::clients::Aws;
use crate::cli::QueueFlags;
use crate::report::with_causes;

/// A new queue, and a new subscription, may take seconds until they work.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);
/// What was sent before both worked is lost, so it is sent again.
const SEND_AGAIN: Duration = Duration::from_secs(2);

const QUEUE_ACTIONS: &str =
    "sqs:CreateQueue, TagQueue, DeleteQueue, SendMessage, ReceiveMessage, DeleteMessage";

const ON_TOPIC: &str = "instances run without it, and are told one by one what happens. The topic must exist; allow sns:Publish and \
     sns:Subscribe on it; a topic or queue with a key of your own needs that key's policy to let in sns.amazonaws.com and the \
     instances. SNS may take 15 minutes to apply a new filter: look again then";

/// Checks the topic, a round trip through two queues of its own, and whether these can be released as those of dead
/// instances are.
pub(super) async fn check(
    checkup: &mut Checkup,
    aws: &Aws,
    table: &str,
    topic: &str,
    queues: &QueueFlags,
) -> io::Result<()> {
    let bus = match aws.bus(topic) {
        Ok(bus) => bus.config(queues.config()),
        Err(error) => {
            let advice = "give the ARN that `a2a-node provision` prints";
            return checkup.failed("topic", error.to_string(), advice);
        }
    };
    let ids = [(); 2].map(|()| InstanceId::generate(&SystemEnv));
    let members = Arc::new(aws.store(table));
    let guests = match Guests::join(Arc::clone(&members), &ids).await {
        Ok(guests) => guests,
        Err(error) => {
            if let Err(why) = publish(&bus).await {
                checkup.failed("topic", why, ON_TOPIC)?;
            }
            let why = "no queue is made without a record, by which others remove it if this is killed";
            return checkup.skipped("queue", format!("{why}: {}", with_causes(&error)));
        }
    };
    let seal = Arc::new(Seal::open());
    let named = bus.topic().name();
    match try_join_all(ids.iter().map(|id| bus.connect(id, &seal))).await {
        Ok(ends) => {
            let published = publish(&bus).await;
            let is_published = published.is_ok();
            match published {
                Ok(()) => {
                    checkup.ok("topic", format!("{} can be used, and two queues are made", bus.topic()))?
                }
                Err(why) => checkup.failed("topic", why, ON_TOPIC)?,
            }
            if let [one, other] = ends.as_slice() {
                direct(checkup, &**one, &**other, named).await?;
                // Else it is known already what keeps the topic from it.
                if is_published {
                    by_topic(checkup, [&**one, &**other]).await?;
                }
            }
        }
        Err(error) => {
            let advice = format!(
                "the topic must be of the account of the credentials; allow {QUEUE_ACTIONS} on {named}-*"
            );
            checkup.failed("queue", with_causes(&error), advice)?;
        }
    }
    policies::check(checkup, &bus, &*members, &ids).await?;
    quota::check(checkup, &bus).await?;
    left_over::check(checkup, &bus, &*members).await?;
    // Also where only one could connect.
    let left: Vec<_> = join_all(ids.iter().map(|id| bus.release(id))).await;
    let mut left: Vec<_> =
        left.iter().filter_map(|released| released.as_ref().err()).map(with_cause).collect();
    // Records that stay lead others to the queues that do.
    if left.is_empty()
        && let Err(error) = guests.leave().await
    {
        left.push(with_cause(&error));
    }
    if left.is_empty() {
        return checkup.ok("clean-up", "both queues, subscriptions and records are removed again");
    }
    let advice = format!(
        "allow sns:ListSubscriptionsByTopic on the topic, sns:Unsubscribe, and sqs:DeleteQueue on {named}-*; then \
         whoever lives removes them by their records, or `a2a-node reap`"
    );
    checkup.failed("clean-up", left.join("; "), advice)
}

/// Publishes what nobody is subscribed to: an answer names what keeps instances from it.
async fn publish(bus: &SnsSqsBus) -> Result<(), String> {
    let publish = bus.clients().sns.publish().topic_arn(bus.topic().to_string()).message("doctor");
    match publish.send().await {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().is_some_and(PublishError::is_not_found_exception) => {
            Err(format!("there is no topic {}", bus.topic()))
        }
        Err(error) => Err(with_causes(&error)),
    }
}

fn with_cause(error: &BackendError) -> String {
    with_causes(error)
}

/// Sends to one queue directly.
async fn direct(
    checkup: &mut Checkup,
    one: &dyn Endpoint,
    other: &dyn Endpoint,
    queues: &str,
) -> io::Result<()> {
    match arrives(one, other).await {
        Ok(took) => checkup.ok("queue", format!("a message to one instance arrived after {took:.1?}")),
        Err(why) => checkup.failed("queue", why, format!("allow {QUEUE_ACTIONS} on {queues}-*")),
    }
}

/// Waits until the topic reaches both.
async fn by_topic(checkup: &mut Checkup, ends: [&dyn Endpoint; 2]) -> io::Result<()> {
    let begun = Instant::now();
    let reached = async {
        while ends.iter().any(|end| end.reach() != Reach::Topic) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match timeout(ARRIVES_WITHIN, reached).await {
        Ok(()) => {
            let took = begun.elapsed();
            checkup.ok("publish", format!("the topic reached both queues after {took:.1?}"))
        }
        Err(_) => {
            let why = format!("the topic did not reach both queues within {ARRIVES_WITHIN:?}");
            checkup.failed("publish", why, ON_TOPIC)
        }
    }
}

/// Sends straight until it was received, and says how long that took.
async fn arrives(from: &dyn Endpoint, to: &dyn Endpoint) -> Result<Duration, String> {
    let begun = Instant::now();
    let recipients = [Recipient::direct(to.me())];
    let task = TaskKey::new(Tenant::default(), "doctor");
    let message = BusMessage { from: from.me(), task, news: News::Changed(Version::new(1)), trace: None };
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
    let receiving = async {
        while !to.receive().await?.iter().any(|received| received.news == message.news) {}
        Ok::<_, BackendError>(())
    };
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
