//! A deployment of its own for each test, on the endpoint that `a2a_testaws` finds.

pub(crate) mod fake;
pub(crate) mod remote;
pub(crate) mod tap;

use std::sync::Arc;
use std::time::Duration;

use a2a_bus_snssqs::{Clients, SnsSqsBus, SnsSqsConfig, TopicArn, create_topic};
use a2a_core::wire::Seal;
use a2a_core::{
    BusMessage, Endpoint, EventBus, InstanceId, Keys, News, Reach, Recipient, SystemEnv, TaskKey, Tenant,
    Version,
};
use a2a_testaws::{Account, Service};
use aws_sdk_sqs::types::QueueAttributeName;
use tap::Tap;

/// A topic of its own in an account of its own.
pub(crate) struct Site {
    pub(crate) account: Account,
    pub(crate) tap: Tap,
    pub(crate) clients: Clients,
    pub(crate) topic: TopicArn,
    pub(crate) seal: Arc<Seal>,
}

impl Site {
    /// `None` means that the test is to return.
    pub(crate) async fn open() -> Option<Self> {
        let account = a2a_testaws::aws()?.account();
        let tap = Tap::default();
        let clients = clients(&account, &tap);
        let topic = create_topic(&clients.sns, &format!("a2a-{}", new_instance())).await.unwrap();
        Some(Site { account, tap, clients, topic, seal: seal() })
    }

    /// One more handle on the bus, as another process would have it.
    pub(crate) fn bus(&self) -> SnsSqsBus {
        SnsSqsBus::with_clients(self.clients.clone(), self.topic.clone()).unwrap()
    }

    /// Connects a new instance.
    pub(crate) async fn endpoint(&self) -> Arc<dyn Endpoint> {
        self.endpoint_as(SnsSqsConfig::default()).await
    }

    pub(crate) async fn endpoint_as(&self, config: SnsSqsConfig) -> Arc<dyn Endpoint> {
        self.bus().config(config).connect(&new_instance(), &self.seal).await.unwrap()
    }

    /// Waits until nothing is called any more but what waits for messages.
    pub(crate) async fn rests(&self) {
        loop {
            let before = self.tap.calls();
            tokio::time::sleep(Duration::from_secs(1)).await;
            if self.tap.calls() == before {
                return;
            }
        }
    }

    /// The URLs of the queues of the topic's instances.
    pub(crate) async fn queues(&self) -> Vec<String> {
        let list = self.clients.sqs.list_queues().queue_name_prefix(self.topic.name());
        list.send().await.unwrap().queue_urls.unwrap_or_default()
    }

    /// The endpoints of all subscriptions of the topic.
    pub(crate) async fn subscriptions(&self) -> Vec<String> {
        let topic = self.topic.to_string();
        let listed = self.clients.sns.list_subscriptions_by_topic().topic_arn(topic).send().await.unwrap();
        let endpoint = |one: &aws_sdk_sns::types::Subscription| one.endpoint().map(str::to_owned);
        listed.subscriptions().iter().filter_map(endpoint).collect()
    }

    /// An attribute of an instance's queue.
    pub(crate) async fn attribute(&self, instance: InstanceId, name: QueueAttributeName) -> Option<String> {
        let get = self.clients.sqs.get_queue_attributes().queue_url(self.topic.queue_url(instance));
        let all = get.attribute_names(QueueAttributeName::All).send().await.unwrap();
        all.attributes.unwrap().remove(&name)
    }

    pub(crate) async fn delete_queue(&self, instance: InstanceId) {
        self.clients.sqs.delete_queue().queue_url(self.topic.queue_url(instance)).send().await.unwrap();
    }

    pub(crate) async fn assert_nothing_is_left(&self) {
        assert_eq!(self.queues().await, Vec::<String>::new());
        assert_eq!(self.subscriptions().await, Vec::<String>::new());
    }

    /// Releases whatever is still there, as an operator would, and looks whether it is gone.
    pub(crate) async fn clear(&self) {
        let bus =
            SnsSqsBus::with_clients(clients(&self.account, &Tap::default()), self.topic.clone()).unwrap();
        for resource in self.queues().await.into_iter().chain(self.subscriptions().await) {
            let id = &resource[resource.len() - 36..];
            bus.release(&id.parse().unwrap()).await.unwrap();
        }
        self.assert_nothing_is_left().await;
    }
}

/// Waits until a probe has shown that the topic reaches it.
pub(crate) async fn eventually_by_topic(endpoint: &Arc<dyn Endpoint>) {
    let reached = async {
        while endpoint.reach() != Reach::Topic {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached).await.expect("not reached");
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

/// The keys that the suites of the testkit use, too.
pub(crate) fn seal() -> Arc<Seal> {
    Arc::new(Seal::new(Keys::first([7; 32])))
}

pub(crate) fn new_instance() -> InstanceId {
    InstanceId::generate(&SystemEnv)
}

pub(crate) fn watch(from: InstanceId, version: u64) -> BusMessage {
    let news = News::Watch { after: Version::new(version), reach: Reach::Direct };
    BusMessage { from, task: TaskKey::new(Tenant::default(), "t-1"), news, trace: None }
}

/// All of them, reached by the topic.
pub(crate) fn by_topic(to: &[InstanceId]) -> Vec<Recipient> {
    to.iter().map(|instance| Recipient { instance: *instance, reach: Reach::Topic }).collect()
}
