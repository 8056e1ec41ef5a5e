//! AWS as the standard settings of its tools say, and the backends on it, whose calls are metered.

use std::time::Duration;

use a2a_bus_snssqs::{Clients, ConfigError, SnsSqsBus, TopicArn};
use a2a_store_dynamodb::DynamoDbStore;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;

use super::meter::Meter;

/// One place and one identity. What is called there is counted.
#[derive(Debug)]
pub(super) struct Aws {
    pub(super) config: SdkConfig,
    meter: Meter,
}

impl Aws {
    /// Reads the environment, the profile, or what the machine says about itself: `AWS_REGION`, `AWS_PROFILE`,
    /// `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_DYNAMODB` and the like. Calls none of the services.
    pub(super) async fn from_environment() -> Self {
        // The SDK waits without limits unless it is told. Stores and buses have limits of their own.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(Duration::from_secs(5))
            .operation_timeout(Duration::from_secs(10))
            .build();
        // Pinned, so that an update of the SDK changes no defaults under us.
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts);
        Self { config: Box::pin(config.load()).await, meter: Meter::default() }
    }

    /// The region that is called.
    pub(super) fn region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref)
    }

    /// A table's store. Calls nothing.
    pub(super) fn store(&self, table: &str) -> DynamoDbStore {
        let store = DynamoDbStore::new(&self.config, table);
        let metered = store.client().config().to_builder().interceptor(self.meter.clone());
        DynamoDbStore::with_client(aws_sdk_dynamodb::Client::from_conf(metered.build()), table)
    }

    /// A topic's bus. Calls nothing.
    ///
    /// # Errors
    ///
    /// Where that is no ARN of a standard topic.
    pub(super) fn bus(&self, topic: &str) -> Result<SnsSqsBus, ConfigError> {
        let topic: TopicArn = topic.parse()?;
        let Clients { sns, sqs } = Clients::new(&self.config, &topic);
        let sns = sns.config().to_builder().interceptor(self.meter.clone());
        let sqs = sqs.config().to_builder().interceptor(self.meter.clone());
        let clients = Clients {
            sns: aws_sdk_sns::Client::from_conf(sns.build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
        };
        SnsSqsBus::with_clients(clients, topic)
    }

    /// A client for topics that have no ARN yet.
    pub(super) fn sns(&self) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::new(&self.config)
    }
}
