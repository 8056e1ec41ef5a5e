//! A table and a topic of their own, on the endpoint that is found.

use std::sync::Arc;

use a2a_bus_snssqs::{Clients, SnsSqsBus, TopicArn, create_topic};
use a2a_core::EventBus;
use a2a_store_dynamodb::{DynamoDbStore, table};
use a2a_testworld::backends::{Backend, Backends, members};
use async_trait::async_trait;

use super::Environment;
use crate::endpoint::{self, Account, Service};

/// A table, and a topic with the queues of its instances.
#[derive(Debug)]
pub struct OnAws {
    way: Way,
    table: String,
    topic: TopicArn,
}

/// By what they are reached.
#[derive(Debug)]
enum Way {
    /// An account on the endpoint that was found.
    Account(Account),
    /// What the environment of this process says.
    Environment(Box<Environment>),
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
        OnAws { way: Way::Account(account), table: name, topic }
    }

    /// A table and a topic that are there already, in the account that the environment of this process names.
    pub fn of(environment: Environment, table: &str, topic: TopicArn) -> Self {
        OnAws { way: Way::Environment(Box::new(environment)), table: table.to_owned(), topic }
    }

    /// A handle on the table, with a client of its own.
    pub(crate) fn store(&self) -> DynamoDbStore {
        match &self.way {
            Way::Account(account) => DynamoDbStore::new(&account.sdk_config(Service::DynamoDb), &self.table),
            Way::Environment(environment) => environment.store(&self.table),
        }
    }

    /// Clients for topic and queues; an endpoint may have an address for each service.
    fn messaging(&self) -> Clients {
        match &self.way {
            Way::Account(account) => {
                let of = |service| Clients::new(&account.sdk_config(service), &self.topic);
                Clients { sns: of(Service::Sns).sns, sqs: of(Service::Sqs).sqs }
            }
            Way::Environment(environment) => environment.messaging(&self.topic),
        }
    }

    /// A handle on the topic, with clients of its own.
    pub(super) fn bus(&self) -> Arc<dyn EventBus> {
        Arc::new(SnsSqsBus::with_clients(self.messaging(), self.topic.clone()).unwrap())
    }

    /// The URLs of the queues of this topic.
    pub(crate) async fn queues(&self) -> Vec<String> {
        let sqs = self.messaging().sqs;
        let listed = sqs.list_queues().queue_name_prefix(self.topic.name()).send().await.unwrap();
        listed.queue_urls.unwrap_or_default()
    }

    /// The ARNs of the subscriptions to this topic.
    pub(crate) async fn subscriptions(&self) -> Vec<String> {
        let sns = self.messaging().sns;
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

    /// What an instance finds in its environment that is to have its place here; it reaches the table by the first of these
    /// URLs, topic and queues by the second, where there are any.
    pub(crate) fn environment(&self, through: Option<[String; 2]>) -> Vec<(String, String)> {
        let ours = [
            ("A2A_STORE", "dynamodb".to_owned()),
            ("A2A_TABLE", self.table.clone()),
            ("A2A_BUS", "snssqs".to_owned()),
            ("A2A_TOPIC_ARN", self.topic.to_string()),
        ];
        let named = |(name, value): (&str, String)| (name.to_owned(), value);
        let reached: Vec<_> = match (&self.way, through) {
            (Way::Account(account), None) => account.environment().into_iter().map(named).collect(),
            (Way::Account(account), Some([tables, messages])) => {
                let account = account.clone().through(&tables, &messages);
                account.environment().into_iter().map(named).collect()
            }
            (Way::Environment(environment), through) => {
                let through = through.into_iter().flat_map(|[tables, messages]| {
                    let urls = [("DYNAMODB", tables), ("SNS", messages.clone()), ("SQS", messages)];
                    urls.map(|(service, url)| (format!("AWS_ENDPOINT_URL_{service}"), url))
                });
                environment.variables().into_iter().chain(through).collect()
            }
        };
        reached.into_iter().chain(ours.map(named)).collect()
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
