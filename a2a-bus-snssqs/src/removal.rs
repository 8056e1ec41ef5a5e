//! Removes a subscription or a queue; one that is gone already counts as removed.

use std::time::Duration;

use crate::clients::call;
use crate::error::Failure;

pub(crate) async fn unsubscribe(
    sns: &aws_sdk_sns::Client,
    subscription_arn: &str,
    limit: Duration,
) -> Result<(), Failure> {
    let asked = sns.unsubscribe().subscription_arn(subscription_arn).send();
    match call("Unsubscribe", limit, asked).await {
        Ok(_) => Ok(()),
        Err(error) if error.is(|error| error.is_not_found_exception()) => Ok(()),
        Err(error) => Err(error.failure),
    }
}

pub(crate) async fn delete_queue(
    sqs: &aws_sdk_sqs::Client,
    queue_url: &str,
    limit: Duration,
) -> Result<(), Failure> {
    let asked = sqs.delete_queue().queue_url(queue_url).send();
    match call("DeleteQueue", limit, asked).await {
        Ok(_) => Ok(()),
        Err(error) if error.is(|error| error.is_queue_does_not_exist()) => Ok(()),
        Err(error) => Err(error.failure),
    }
}
