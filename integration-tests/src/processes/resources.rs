//! A place of one's own on AWS: a table and a topic; and a look at them past all instances.

use std::sync::Arc;

use a2a_bus_snssqs::{Clients, TopicArn, create_topic};
use a2a_core::{
    CommitRecord, Env, Member, Membership, Replay, SystemEnv, TaskHead, TaskKey, TaskQuery, TaskStore,
    Tenant, Version,
};
use a2a_store_dynamodb::DynamoDbStore;
use a2a_store_dynamodb::table::{Protection, create_table};

use crate::backends::aws::messaging;
use crate::endpoint::{Account, Aws, Service, wanted};
use a2a_testworld::{FaultProxy, Passage};

const TABLE: &str = "tasks";
const TOPIC: &str = "events";

/// Where the instances of one cluster keep everything.
#[derive(Debug)]
pub struct Resources {
    account: Account,
    table: String,
    topic: TopicArn,
    store: DynamoDbStore,
    clients: Clients,
    fault_proxies: Option<FaultProxies>,
}

/// What can be shut before the endpoint.
#[derive(Debug)]
pub struct FaultProxies {
    /// The way to the table.
    pub table: FaultProxy,
    /// The way to topic and queues.
    pub bus: FaultProxy,
}

impl FaultProxies {
    /// Says what becomes of all connections from now on.
    pub fn set(&self, passage: Passage) {
        self.table.set(passage);
        self.bus.set(passage);
    }
}

/// What is left of instances that are gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leftovers {
    /// URLs of queues.
    pub queues: Vec<String>,
    /// ARNs of subscriptions.
    pub subscriptions: Vec<String>,
    /// Ids of members that may still live. The records of others stay for a while.
    pub members: Vec<String>,
}

impl Leftovers {
    /// Tells whether nothing is left.
    pub fn is_nothing(&self) -> bool {
        *self == Leftovers::default()
    }
}

impl Resources {
    /// Makes table and topic in an account that nobody else uses, with fault proxies before the endpoint where it is one
    /// socket without TLS.
    ///
    /// # Panics
    ///
    /// When they cannot be made.
    pub async fn prepare(aws: &Aws) -> Self {
        let account = aws.account();
        // Where tests share an account, the names tell them apart.
        let name = SystemEnv.uuid().simple().to_string();
        let table = format!("{TABLE}-{name}");
        let store = DynamoDbStore::new(&account.sdk_config(Service::DynamoDb), &table);
        create_table(store.client(), &table, Protection::default()).await.unwrap();
        let sns = aws_sdk_sns::Client::new(&account.sdk_config(Service::Sns));
        let topic = create_topic(&sns, &format!("{TOPIC}-{name}")).await.unwrap();
        let clients = messaging(&account, &topic);
        let fault_proxies = match aws.socket() {
            Some(address) => Some(FaultProxies {
                table: FaultProxy::before(address).await.unwrap(),
                bus: FaultProxy::before(address).await.unwrap(),
            }),
            None => None,
        };
        Resources { account, table, topic, store, clients, fault_proxies }
    }

    /// The fault proxies before the endpoint. `None` means that a test which shuts them is to return: the reason was printed.
    ///
    /// # Panics
    ///
    /// Where there are none although `CI` is set.
    pub fn fault_proxies(&self) -> Option<&FaultProxies> {
        let why = "the endpoint is not one socket without TLS";
        wanted("fault proxies before the AWS endpoint", self.fault_proxies.as_ref().ok_or(why))
    }

    /// What an instance finds in its environment.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let account = match &self.fault_proxies {
            Some(FaultProxies { table, bus }) => {
                let url = |proxy: &FaultProxy| format!("http://{}", proxy.address());
                self.account.clone().through(&url(table), &url(bus))
            }
            None => self.account.clone(),
        };
        let ours = [
            ("A2A_STORE", "dynamodb".to_owned()),
            ("A2A_TABLE", self.table.clone()),
            ("A2A_BUS", "snssqs".to_owned()),
            ("A2A_TOPIC_ARN", self.topic.to_string()),
        ];
        account.environment().into_iter().chain(ours).collect()
    }

    /// Reads the whole log of a task.
    ///
    /// # Panics
    ///
    /// When it cannot be read, or is no longer kept.
    pub async fn log(&self, task: &str) -> Vec<Arc<CommitRecord>> {
        let key = key(task);
        let mut log: Vec<Arc<CommitRecord>> = Vec::new();
        loop {
            let after = log.last().map_or(Version::ABSENT, |commit| commit.version);
            match self.store.commits_after(&key, after).await.unwrap() {
                Replay::Commits(commits) if commits.is_empty() => return log,
                Replay::Commits(commits) => log.extend(commits),
                Replay::Snapshot(_) => panic!("the log of {task} is no longer kept"),
            }
        }
    }

    /// Reads who runs a task, and its state. `None` where there is no such task.
    ///
    /// # Panics
    ///
    /// When it cannot be read.
    pub async fn head(&self, task: &str) -> Option<TaskHead> {
        self.store.head(&key(task)).await.unwrap()
    }

    /// The ids of all members, evicted ones included.
    ///
    /// # Panics
    ///
    /// When they cannot be read.
    pub async fn members(&self) -> Vec<Member> {
        let (mut members, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.roster(after.as_ref(), 100).await.unwrap();
            let Some(last) = page.last() else { return members };
            after = Some(last.id);
            members.extend(page);
        }
    }

    /// How many tasks there are.
    ///
    /// # Panics
    ///
    /// When they cannot be listed.
    pub async fn tasks(&self) -> usize {
        let query = TaskQuery::new(Tenant::default(), None, 1);
        usize::try_from(self.store.list(&query).await.unwrap().total).unwrap()
    }

    /// Looks for what instances have made and not removed.
    ///
    /// # Panics
    ///
    /// When one cannot look.
    pub async fn leftovers(&self) -> Leftovers {
        let queues =
            self.clients.sqs.list_queues().queue_name_prefix(self.topic.name()).send().await.unwrap();
        let mut subscriptions = Vec::new();
        let mut pages = self
            .clients
            .sns
            .list_subscriptions_by_topic()
            .topic_arn(self.topic.to_string())
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.unwrap().subscriptions.unwrap_or_default();
            subscriptions.extend(page.into_iter().filter_map(|subscription| subscription.subscription_arn));
        }
        let members = self.members().await.into_iter().filter(|member| !member.state.is_final());
        let members = members.map(|member| member.id.to_string()).collect();
        Leftovers { queues: queues.queue_urls.unwrap_or_default(), subscriptions, members }
    }
}

fn key(task: &str) -> TaskKey {
    TaskKey::new(Tenant::default(), task)
}
