//! AWS as the environment of this process names it, like AWS's own tools: region, credentials and endpoints. What is called
//! through it is counted.

use std::time::Duration;

use a2a_bus_snssqs::{Clients, TopicArn};
use a2a_node::meter::Meter;
use a2a_store_dynamodb::DynamoDbStore;
use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_types::SdkConfig;

/// Whose account it is, where, and what was called there. Clones count together.
#[derive(Debug, Clone)]
pub struct Environment {
    config: SdkConfig,
    meter: Meter,
}

impl Environment {
    /// Reads `AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL` and the like. Calls none of the services.
    pub async fn read() -> Self {
        // The SDK itself waits for ever.
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Duration::from_secs(10))
            .operation_timeout(Duration::from_secs(30))
            .build();
        let loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(timeouts);
        Environment { config: Box::pin(loader.load()).await, meter: Meter::default() }
    }

    /// What clients are made of that are not counted.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// What counts.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Tells whether the services are AWS's own, and no emulator's: no endpoint is named.
    pub fn is_aws(&self) -> bool {
        let named =
            |(name, value): &(String, String)| name.starts_with("AWS_ENDPOINT_URL") && !value.is_empty();
        self.config.endpoint_url().is_none() && !self.variables().iter().any(named)
    }

    /// What another process finds in its environment to work in the same account.
    pub fn variables(&self) -> Vec<(String, String)> {
        std::env::vars().filter(|(name, _)| name.starts_with("AWS_")).collect()
    }

    /// A client for tables.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::config::Builder::from(&self.config).interceptor(self.meter.clone());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// A client for topics.
    pub fn sns(&self) -> aws_sdk_sns::Client {
        let config = aws_sdk_sns::config::Builder::from(&self.config).interceptor(self.meter.clone());
        aws_sdk_sns::Client::from_conf(config.build())
    }

    /// A client for queues.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::config::Builder::from(&self.config).interceptor(self.meter.clone());
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// A handle on a table, with a client of its own.
    pub fn store(&self, table: &str) -> DynamoDbStore {
        let store = DynamoDbStore::new(&self.config, table);
        let counted = store.client().config().to_builder().interceptor(self.meter.clone());
        DynamoDbStore::with_client(aws_sdk_dynamodb::Client::from_conf(counted.build()), table)
    }

    /// Clients for a topic and its queues, as instances have them.
    pub fn messaging(&self, topic: &TopicArn) -> Clients {
        let Clients { sns, sqs } = Clients::new(&self.config, topic);
        let sns = sns.config().to_builder().interceptor(self.meter.clone());
        let sqs = sqs.config().to_builder().interceptor(self.meter.clone());
        Clients {
            sns: aws_sdk_sns::Client::from_conf(sns.build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
        }
    }
}
