//! A table and a topic of their own, on the endpoint that is found.

use std::sync::Arc;

use a2a_bus_snssqs::{Clients, SnsSqsBus, TopicArn, create_topic};
use a2a_core::EventBus;
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
        Some(Self::create_in(endpoint::aws()?.account()).await)
    }

    /// Makes the table and the topic in an account.
    ///
    /// # Panics
    ///
    /// Where the endpoint refuses.
    pub(crate) async fn create_in(account: Account) -> Self {
        // The endpoint may be one that several tests share, so nothing here has a name twice.
        let name = format!("a2a-{}", a2a_core::Env::uuid(&a2a_core::SystemEnv));
        let dynamodb = aws_sdk_dynamodb::Client::new(&account.sdk_config(Service::DynamoDb));
        table::create_table(&dynamodb, &name, table::Protection::default(), table::Replicas::Refused)
            .await
            .unwrap();
        let sns = aws_sdk_sns::Client::new(&account.sdk_config(Service::Sns));
        let topic = create_topic(&sns, &name).await.unwrap();
        OnAws { account, table: name, topic }
    }

    /// A handle on the table, with a client of its own.
    pub(crate) fn store(&self) -> DynamoDbStore {
        DynamoDbStore::new(&self.account.sdk_config(Service::DynamoDb), &self.table)
    }

    /// A handle on the topic, with clients of its own.
    pub(super) fn bus(&self) -> Arc<dyn EventBus> {
        Arc::new(SnsSqsBus::with_clients(messaging(&self.account, &self.topic), self.topic.clone()).unwrap())
    }

    /// The URLs of the queues of this topic.
    pub(crate) async fn queues(&self) -> Vec<String> {
        let sqs = messaging(&self.account, &self.topic).sqs;
        let listed = sqs.list_queues().queue_name_prefix(self.topic.name()).send().await.unwrap();
        listed.queue_urls.unwrap_or_default()
    }

    /// The ARNs of the subscriptions to this topic.
    pub(crate) async fn subscriptions(&self) -> Vec<String> {
        let sns = messaging(&self.account, &self.topic).sns;
        let mut pages =
            sns.list_subscriptions_by_topic().topic_arn(self.topic.to_string()).into_paginator().send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.unwrap().subscriptions.unwrap_or_default();
            arns.extend(page.into_iter().filter_map(|subscription| subscription.subscription_arn));
        }
        arns
    }

    /// The queues and subscriptions of this topic, in words.
    pub(super) async fn resources(&self) -> Vec<String> {
        let queues = self.queues().await.into_iter().map(|url| format!("queue {url}"));
        let subscriptions = self.subscriptions().await.into_iter().map(|arn| format!("subscription {arn}"));
        queues.chain(subscriptions).collect()
    }

    /// What an instance finds in its environment that is to have its place here, and reaches it by this account.
    pub(crate) fn environment(&self, account: &Account) -> Vec<(&'static str, String)> {
        let ours = [
            ("A2A_STORE", "dynamodb".to_owned()),
            ("A2A_TABLE", self.table.clone()),
            ("A2A_BUS", "snssqs".to_owned()),
            ("A2A_TOPIC_ARN", self.topic.to_string()),
        ];
        account.environment().into_iter().chain(ours).collect()
    }

    /// The account that it is in.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }
}

#[async_trait]
impl Backends for OnAws {
    async fn open(&self) -> Backend {
        Backend { store: Arc::new(self.store()), bus: Some(self.bus()) }
    }

    async fn left(&self) -> Vec<String> {
        let mut left = members(&self.store()).await;
        left.extend(self.resources().await);
        left
    }
}

/// Clients for topic and queues; an endpoint may have an address for each service.
fn messaging(account: &Account, topic: &TopicArn) -> Clients {
    let of = |service| Clients::new(&account.sdk_config(service), topic);
    Clients { sns: of(Service::Sns).sns, sqs: of(Service::Sqs).sqs }
}
