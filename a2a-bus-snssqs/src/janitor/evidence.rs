//! What the service itself says about one queue: whose it is, and how old.

use std::time::Duration;

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
    Ok(time.seconds().zip(created).map(|(now, created)| {
        // A queue from the future is new.
        Duration::from_secs(u64::try_from(now.saturating_sub(created)).unwrap_or(0))
    }))
}

/// Tells whether there is a queue of this name, whatever a list said a moment ago.
pub(super) async fn exists(
    sqs: &aws_sdk_sqs::Client,
    queue_name: &str,
    limit: Duration,
) -> Result<bool, Failure> {
    match call("GetQueueUrl", limit, sqs.get_queue_url().queue_name(queue_name).send()).await {
        Ok(_) => Ok(true),
        Err(error) if error.is(|error| error.is_queue_does_not_exist()) => Ok(false),
        Err(error) => Err(error.failure),
    }
}
