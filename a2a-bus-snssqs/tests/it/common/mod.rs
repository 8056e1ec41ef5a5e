//! A deployment of its own for each test, on the endpoint that `integration_tests` finds.

pub(crate) mod fake;
pub(crate) mod members;
pub(crate) mod remote;
pub(crate) mod tap;

use std::sync::Arc;

use a2a_bus_snssqs::{Clients, Config, Deployment, SnsSqsBus, create_topic};
use a2a_core::{BusMessage, InstanceId, News, SystemEnv, TaskKey, Tenant, Version};
use integration_tests::endpoint::{self, Account, Service};
use tap::Tap;

/// A topic of its own in an account of its own.
pub(crate) struct Site {
    pub(crate) account: Account,
    pub(crate) tap: Tap,
    pub(crate) clients: Clients,
    pub(crate) deployment: Deployment,
}

impl Site {
    /// `None` means that the test is to return.
    pub(crate) async fn open() -> Option<Self> {
        let account = endpoint::aws()?.account();
        let tap = Tap::default();
        let clients = clients(&account, &tap);
        let topic = format!("a2a-{}", new_instance());
        let topic = create_topic(&clients, &topic, "a2a").await.unwrap();
        let deployment = Deployment::new(&topic.to_string(), "a2a").unwrap();
        Some(Site { account, tap, clients, deployment })
    }

    pub(crate) fn config(&self) -> Config {
        Config::new(self.deployment.clone(), new_instance())
    }

    pub(crate) async fn bus(&self) -> SnsSqsBus {
        self.bus_as(self.config()).await
    }

    pub(crate) async fn bus_as(&self, config: Config) -> SnsSqsBus {
        SnsSqsBus::open(self.clients.clone(), config, Arc::new(SystemEnv)).await.unwrap()
    }

    /// The URLs of all queues of the account.
    pub(crate) async fn queues(&self) -> Vec<String> {
        self.clients.sqs.list_queues().send().await.unwrap().queue_urls.unwrap_or_default()
    }

    /// The endpoints of all subscriptions of the topic.
    pub(crate) async fn subscriptions(&self) -> Vec<String> {
        let topic = self.deployment.topic().to_string();
        let listed = self.clients.sns.list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
        let endpoint = |one: &aws_sdk_sns::types::Subscription| one.endpoint().map(str::to_owned);
        listed.subscriptions().iter().filter_map(endpoint).collect()
    }

    pub(crate) async fn assert_nothing_is_left(&self) {
        assert_eq!(self.queues().await, Vec::<String>::new());
        assert_eq!(self.subscriptions().await, Vec::<String>::new());
    }
}

/// Clients whose calls `tap` sees.
pub(crate) fn clients(account: &Account, tap: &Tap) -> Clients {
    let sns = aws_sdk_sns::config::Builder::from(&account.sdk_config(Service::Sns));
    let sqs = aws_sdk_sqs::config::Builder::from(&account.sdk_config(Service::Sqs));
    Clients {
        sns: aws_sdk_sns::Client::from_conf(sns.interceptor(tap.clone()).build()),
        sqs: aws_sdk_sqs::Client::from_conf(sqs.interceptor(tap.clone()).build()),
    }
}

pub(crate) fn new_instance() -> InstanceId {
    InstanceId::generate(&SystemEnv)
}

/// An instance whose id says that it was drawn when 1970 began.
pub(crate) fn ancient_instance() -> InstanceId {
    const TIME_BITS: u32 = 48;
    let recent = new_instance().uuid().as_u128();
    InstanceId::from_uuid(uuid::Uuid::from_u128(recent << TIME_BITS >> TIME_BITS))
}

pub(crate) fn watch(from: InstanceId, version: u64) -> BusMessage {
    let news = News::Watch(Version::new(version));
    BusMessage { from, task: TaskKey::new(Tenant::default(), "t-1"), news, trace: None }
}
