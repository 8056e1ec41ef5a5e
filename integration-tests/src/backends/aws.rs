//! A table and a topic of their own, on the endpoint that is found.

use std::sync::Arc;
use std::time::Duration;

use a2a_bus_snssqs::{Clients, Config, Deployment, Janitor, Rules, SnsSqsBus, create_topic};
use a2a_core::{EventBus, Store, SystemEnv};
use a2a_store_dynamodb::{DynamoDbStore, table};
use async_trait::async_trait;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_types::SdkConfig;

use super::{Backend, Backends, members, new_instance};
use crate::endpoint::{self, Account, Service};

/// A table, and a topic with the queues of a deployment.
#[derive(Debug)]
pub struct OnAws {
    account: Account,
    table: String,
    deployment: Deployment,
}

impl OnAws {
    /// Makes the table and the topic. `None` means that there is no endpoint and that the test is to return.
    ///
    /// # Panics
    ///
    /// Where the endpoint refuses, and where there is none although `CI` is set.
    pub async fn create() -> Option<Self> {
        // The endpoint may be one that several tests share, so nothing here has a name twice.
        let name = new_instance().to_string();
        let account = endpoint::aws()?.account();
        let table = format!("a2a-{name}");
        table::create_table(&dynamodb(&account), &table, table::Protection::default()).await.unwrap();
        let topic = create_topic(&messaging(&account), &table, "a2a").await.unwrap();
        let prefix = format!("a2a-{}", &name[name.len() - 12..]);
        let deployment = Deployment::new(&topic.to_string(), &prefix).unwrap();
        Some(OnAws { account, table, deployment })
    }

    /// A handle on the table, with a client of its own.
    pub(super) fn store(&self) -> Arc<dyn Store> {
        let config = a2a_store_dynamodb::Config::new(&self.table);
        Arc::new(DynamoDbStore::new(dynamodb(&self.account), config))
    }

    /// The endpoint of a new instance, with clients of its own.
    pub(super) async fn bus(&self) -> Arc<dyn EventBus> {
        let config = Config::new(self.deployment.clone(), new_instance());
        let bus = SnsSqsBus::open(messaging(&self.account), config, Arc::new(SystemEnv)).await;
        Arc::new(bus.unwrap())
    }

    /// Has the janitor remove what no live member of a store uses.
    pub(super) async fn clean(&self, members: Arc<dyn Store>) {
        let rules = Rules::default().orphan_age(Duration::ZERO);
        let janitor = Janitor::new(messaging(&self.account), self.deployment.clone(), members, rules);
        janitor.pass().await.unwrap();
    }

    /// The queues and subscriptions of this deployment.
    pub(super) async fn resources(&self) -> Vec<String> {
        let clients = messaging(&self.account);
        let stem = self.deployment.queue_name(new_instance());
        let stem = &stem[..stem.len() - new_instance().to_string().len()];
        let queues = clients.sqs.list_queues().queue_name_prefix(stem).send().await.unwrap();
        let topic = self.deployment.topic().to_string();
        let listed = clients.sns.list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
        let endpoints = listed.subscriptions().iter().filter_map(|one| one.endpoint());
        let subscriptions = endpoints.map(|endpoint| format!("subscription of {endpoint}"));
        queues.queue_urls().iter().map(|url| format!("queue {url}")).chain(subscriptions).collect()
    }
}

#[async_trait]
impl Backends for OnAws {
    async fn open(&self) -> Backend {
        Backend { store: self.store(), bus: self.bus().await }
    }

    async fn sweep(&self) {
        self.clean(self.store()).await;
    }

    async fn left(&self) -> Vec<String> {
        let mut left = members(&*self.store()).await;
        left.extend(self.resources().await);
        left
    }
}

fn dynamodb(account: &Account) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&bounded(account, Service::DynamoDb))
}

fn messaging(account: &Account) -> Clients {
    Clients {
        sns: aws_sdk_sns::Client::new(&bounded(account, Service::Sns)),
        sqs: aws_sdk_sqs::Client::new(&bounded(account, Service::Sqs)),
    }
}

/// The SDK waits without limits unless it is told.
fn bounded(account: &Account, service: Service) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(10))
        .build();
    account.sdk_config(service).into_builder().timeout_config(timeouts).build()
}
