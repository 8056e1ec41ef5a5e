//! The clients of the three services, as the standard settings of AWS's tools say.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;

use super::meter::Meter;

/// Clients of one place and one identity, each with a pool of connections. What they cost is counted.
#[derive(Debug, Clone)]
pub(super) struct AwsClients {
    /// For the table.
    pub(super) dynamodb: aws_sdk_dynamodb::Client,
    /// For topic and queues. What waits for messages makes a client of its own of it, with more patience.
    pub(super) messaging: a2a_bus_snssqs::Clients,
    /// What they were made from.
    pub(super) shared: SdkConfig,
}

impl AwsClients {
    /// Makes clients from the environment, the profile, or what the machine says about itself: `AWS_REGION`,
    /// `AWS_PROFILE`, `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_DYNAMODB` and the like. Calls none of the services.
    pub(super) async fn from_environment() -> Self {
        // Pinned, so that an update of the SDK changes no defaults under us.
        let shared = aws_config::defaults(BehaviorVersion::v2026_01_12());
        let shared = Box::pin(shared.timeout_config(timeouts(5, 10)).load()).await;
        // A beat that hangs must fail well within a lease.
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(&shared).timeout_config(timeouts(3, 10));
        let sns = aws_sdk_sns::config::Builder::from(&shared);
        let sqs = aws_sdk_sqs::config::Builder::from(&shared);
        let meter = Meter::default();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb.interceptor(meter.clone()).build()),
            messaging: a2a_bus_snssqs::Clients {
                sns: aws_sdk_sns::Client::from_conf(sns.interceptor(meter.clone()).build()),
                sqs: aws_sdk_sqs::Client::from_conf(sqs.interceptor(meter).build()),
            },
            shared,
        }
    }

    /// The region that is called.
    pub(super) fn region(&self) -> Option<&str> {
        self.shared.region().map(AsRef::as_ref)
    }
}

/// The SDK waits without limits unless it is told. Seconds of one attempt, and of a call with all its attempts.
fn timeouts(attempt: u64, operation: u64) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .read_timeout(Duration::from_secs(attempt))
        .operation_attempt_timeout(Duration::from_secs(attempt))
        .operation_timeout(Duration::from_secs(operation))
        .build()
}
