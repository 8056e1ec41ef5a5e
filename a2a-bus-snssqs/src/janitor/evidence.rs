//! What the service itself says about one queue: whose it is, and how old.

use std::time::Duration;

use a2a_core::InstanceId;
use aws_sdk_sqs::types::QueueAttributeName;

use super::service_time::ServiceTime;
use crate::clients::call;
use crate::error::Failure;
use crate::topic::DEPLOYMENT_TAG;

/// The name of the deployment whose queue this is. `None` where the queue has no such tag or is gone.
pub(super) async fn deployment_of(
    sqs: &aws_sdk_sqs::Client,
    queue_url: &str,
    limit: Duration,
) -> Result<Option<String>, Failure> {
    let asked = sqs.list_queue_tags().queue_url(queue_url).send();
    match call("ListQueueTags", limit, asked).await {
        Ok(listed) => Ok(listed.tags.and_then(|mut tags| tags.remove(DEPLOYMENT_TAG))),
        Err(error) if error.is(|error| error.is_queue_does_not_exist()) => Ok(None),
        Err(error) => Err(error.failure),
    }
}

/// How old the queue is by the service's clock. `None` where the service does not say.
pub(super) async fn age(
    sqs: &aws_sdk_sqs::Client,
    queue_url: &str,
    limit: Duration,
) -> Result<Option<Duration>, Failure> {
    let time = ServiceTime::default();
    let asked = sqs
        .get_queue_attributes()
        .queue_url(queue_url)
        .attribute_names(QueueAttributeName::CreatedTimestamp)
        .customize()
        .interceptor(time.clone())
        .send();
    let attributes = match call("GetQueueAttributes", limit, asked).await {
        Ok(answer) => answer.attributes.unwrap_or_default(),
        Err(error) if error.is(|error| error.is_queue_does_not_exist()) => return Ok(None),
        Err(error) => return Err(error.failure),
    };
    let created = attributes.get(&QueueAttributeName::CreatedTimestamp);
    let created: Option<i64> = created.and_then(|seconds| seconds.parse().ok());
    Ok(time.seconds().zip(created).map(|(now, created)| between(created, now)))
}

/// For how long an instance without a queue has been there, by the time of its id. `None` where it has a queue,
/// or where the service does not say.
///
/// A queue may look absent for a second after it was made: the younger the instance, the less that means.
pub(super) async fn age_without_queue(
    sqs: &aws_sdk_sqs::Client,
    queue_name: &str,
    instance: InstanceId,
    limit: Duration,
) -> Result<Option<Duration>, Failure> {
    let time = ServiceTime::default();
    let asked = sqs.get_queue_url().queue_name(queue_name).customize().interceptor(time.clone()).send();
    match call("GetQueueUrl", limit, asked).await {
        Ok(_) => Ok(None),
        Err(error) if error.is(|error| error.is_queue_does_not_exist()) => {
            Ok(time.seconds().map(|now| between(started(instance), now)))
        }
        Err(error) => Err(error.failure),
    }
}

/// The seconds since 1970 at which an id was drawn. An id that does not tell is as old as can be.
fn started(instance: InstanceId) -> i64 {
    let time = instance.uuid().get_timestamp().map_or(0, |time| time.to_unix().0);
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// What lies in the future is new.
fn between(then: i64, now: i64) -> Duration {
    Duration::from_secs(u64::try_from(now.saturating_sub(then)).unwrap_or(0))
}
