//! A table and a topic of their own, on the endpoint that is found.

use std::sync::Arc;

use a2a_bus_snssqs::{Clients, SnsSqsBus, TopicArn, create_topic};
use a2a_core::{EventBus, Store};
use a2a_store_dynamodb::{DynamoDbStore, table};
use a2a_testworld::backends::{Backend, Backends, members};
use async_trait::async_trait;

use crate::endpoint::{self, Account, Service};

/// A table, and a topic with the queues of its instances.
#[derive(Debug)]
pub struct OnAws {
    account: Account,
    table: String,
    topic: TopicArn,
}

impl OnAws {
    /// Makes the table and the topic. `None` means that there is no endpoint and that the test is to return.
    ///
    /// # Panics
    ///
    /// Where the endpoint refuses, and where there is none although `CI` is set.
    pub async fn create() -> Option<Self> {
        let account = endpoint::aws()?.account();
        // The endpoint may be one that several tests share, so nothing here has a name twice.
        let name = format!("a2a-{}", a2a_core::Env::uuid(&a2a_core::SystemEnv));
        let dynamodb = aws_sdk_dynamodb::Client::new(&account.sdk_config(Service::DynamoDb));
        table::create_table(&dynamodb, &name, table::Protection::default()).await.unwrap();
        let sns = aws_sdk_sns::Client::new(&account.sdk_config(Service::Sns));
        let topic = create_topic(&sns, &name).await.unwrap();
        Some(OnAws { account, table: name, topic })
    }

    /// A handle on the table, with a client of its own.
    pub(super) fn store(&self) -> Arc<dyn Store> {
        Arc::new(DynamoDbStore::new(&self.account.sdk_config(Service::DynamoDb), &self.table))
    }

    /// A handle on the topic, with clients of its own.
    pub(super) fn bus(&self) -> Arc<dyn EventBus> {
        Arc::new(SnsSqsBus::with_clients(messaging(&self.account, &self.topic), self.topic.clone()).unwrap())
    }

    /// The queues and subscriptions of this topic.
    pub(super) async fn resources(&self) -> Vec<String> {
        let clients = messaging(&self.account, &self.topic);
        let queues = clients.sqs.list_queues().queue_name_prefix(self.topic.name()).send().await.unwrap();
        let listed = clients.sns.list_subscriptions_by_topic().topic_arn(self.topic.to_string());
        let listed = listed.send().await.unwrap();
        let endpoints = listed.subscriptions().iter().filter_map(|one| one.endpoint());
        let subscriptions = endpoints.map(|endpoint| format!("subscription of {endpoint}"));
        queues.queue_urls().iter().map(|url| format!("queue {url}")).chain(subscriptions).collect()
    }
}

#[async_trait]
impl Backends for OnAws {
    async fn open(&self) -> Backend {
        Backend { store: self.store(), bus: self.bus() }
    }

    async fn left(&self) -> Vec<String> {
        let mut left = members(&*self.store()).await;
        left.extend(self.resources().await);
        left
    }
}

/// Clients for topic and queues; an endpoint may have an address for each service.
pub(crate) fn messaging(account: &Account, topic: &TopicArn) -> Clients {
    let of = |service| Clients::new(&account.sdk_config(service), topic);
    Clients { sns: of(Service::Sns).sns, sqs: of(Service::Sqs).sqs }
}
