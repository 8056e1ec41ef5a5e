//! The SDK clients: for topic and queues, for long polls, and how one call is made and judged.

use std::future::Future;
use std::time::Duration;

use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::config::{Region, StalledStreamProtectionConfig};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::http::Response;
use aws_types::SdkConfig;
use tokio::time::timeout;

use crate::TopicArn;
use crate::error::Failure;

/// The longest that SQS lets a receive wait.
pub(crate) const LONGEST_POLL: Duration = Duration::from_secs(20);

const CONNECT: Duration = Duration::from_secs(2);
const ATTEMPT: Duration = Duration::from_secs(4);
const OPERATION: Duration = Duration::from_secs(10);

/// The pause before the first retry. The SDK's own default is up to a second, longer than a hint is worth.
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// The clients of the account and region in which the topic is.
///
/// Build each once and clone it: a client holds the pool of connections.
#[derive(Debug, Clone)]
pub struct Clients {
    /// For the topic and its subscriptions.
    pub sns: aws_sdk_sns::Client,
    /// For the queues.
    pub sqs: aws_sdk_sqs::Client,
}

impl Clients {
    /// Makes clients with the timeouts and retries that a bus needs, in the topic's region, whatever `aws` says of
    /// these. Calls nothing.
    ///
    /// [`SnsSqsBus::new`](crate::SnsSqsBus::new) does this; it is for whoever adds something to the clients.
    pub fn new(aws: &SdkConfig, topic: &TopicArn) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .read_timeout(ATTEMPT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        let retries =
            RetryConfig::standard().with_initial_backoff(FIRST_BACKOFF).with_max_backoff(LONGEST_BACKOFF);
        let region = Region::new(topic.region().to_owned());
        let sns = aws_sdk_sns::config::Builder::from(aws).region(region.clone());
        let sns = sns.timeout_config(timeouts.clone()).retry_config(retries.clone());
        let sqs = aws_sdk_sqs::config::Builder::from(aws).region(region);
        let sqs = sqs.timeout_config(timeouts).retry_config(retries);
        Clients {
            sns: aws_sdk_sns::Client::from_conf(sns.build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
        }
    }

    /// A client whose calls may take as long as a long poll does. The receivers back off by themselves.
    pub(crate) fn for_polling(&self) -> aws_sdk_sqs::Client {
        let margin = Duration::from_secs(8);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .read_timeout(LONGEST_POLL + margin)
            .operation_attempt_timeout(LONGEST_POLL + margin)
            .operation_timeout(LONGEST_POLL + margin)
            .build();
        let config = self.sqs.config().to_builder();
        aws_sdk_sqs::Client::from_conf(
            config
                .timeout_config(timeouts)
                .retry_config(RetryConfig::disabled())
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .build(),
        )
    }
}

/// Awaits a call for at most `limit` and judges its error.
pub(crate) async fn call<T, E>(
    name: &'static str,
    limit: Duration,
    sent: impl Future<Output = Result<T, SdkError<E, Response>>>,
) -> Result<T, CallError<E>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match timeout(limit, sent).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(error)) => {
            let failure = Failure::of(name, &error);
            let service = match error {
                SdkError::ServiceError(refused) => Some(refused.into_err()),
                _ => None,
            };
            Err(CallError { failure, service })
        }
        Err(_) => Err(CallError { failure: Failure::late(name), service: None }),
    }
}

/// A failed call: how it is judged, and what the service answered where it did.
pub(crate) struct CallError<E> {
    pub(crate) failure: Failure,
    service: Option<E>,
}

impl<E> CallError<E> {
    /// Tells whether the service answered with an error that `says` holds of.
    pub(crate) fn is(&self, says: impl FnOnce(&E) -> bool) -> bool {
        self.service.as_ref().is_some_and(says)
    }
}

impl<E> From<CallError<E>> for Failure {
    fn from(error: CallError<E>) -> Self {
        error.failure
    }
}
