//! Topics and queues of an account of their own, the weather before them, and a clock that stands still until the test
//! advances it.

use std::sync::mpsc;

use a2a_testaws::{Account, Service};
use a2a_testworld::weather::{Counts, WeatherProxy};
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::types::QueueAttributeName;

/// What messages are filtered by.
pub(crate) const KIND: &str = "kind";

/// SNS and SQS with the weather before them.
pub(crate) struct Place {
    pub(crate) proxy: WeatherProxy,
    /// Behind the weather, without retries or timeouts.
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    /// Around the weather.
    pub(crate) direct: (aws_sdk_sns::Client, aws_sdk_sqs::Client),
    _standing: mpsc::Sender<()>,
}

impl Place {
    /// Opens one, on a runtime whose clock is paused; `None` where there is no endpoint.
    pub(crate) async fn new() -> Option<Self> {
        Self::seeded(7).await
    }

    pub(crate) async fn seeded(seed: u64) -> Option<Self> {
        let aws = a2a_testaws::aws()?;
        let (account, endpoint) = (aws.account(), aws.url(Service::Sqs).to_owned());
        assert_eq!(endpoint, aws.url(Service::Sns), "these tests need one endpoint for both services");
        let proxy = WeatherProxy::before(&endpoint, seed).await.unwrap();
        let (sns, sqs) = clients(&account, &proxy.url());
        let direct = clients(&account, &endpoint);
        Some(Place { proxy, sns, sqs, direct, _standing: crate::place::standing() })
    }

    pub(crate) fn counts(&self) -> Counts {
        self.proxy.counts()
    }

    /// Creates a topic around the weather.
    pub(crate) async fn topic(&self) -> String {
        self.direct.0.create_topic().name("topic").send().await.unwrap().topic_arn.unwrap()
    }

    /// Creates a queue around the weather; returns its URL.
    pub(crate) async fn queue(&self, name: &str) -> String {
        self.direct.1.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap()
    }

    pub(crate) async fn arn(&self, queue: &str) -> String {
        let get = self.direct.1.get_queue_attributes().queue_url(queue);
        let attributes = get.attribute_names(QueueAttributeName::QueueArn).send().await.unwrap().attributes;
        attributes.unwrap()[&QueueAttributeName::QueueArn].clone()
    }

    /// A subscription of a queue to a topic, not yet sent: raw messages, of one kind where one is named.
    pub(crate) async fn subscription(
        &self,
        client: &aws_sdk_sns::Client,
        topic: &str,
        queue: &str,
        kind: Option<&str>,
    ) -> aws_sdk_sns::operation::subscribe::builders::SubscribeFluentBuilder {
        let subscribe = client.subscribe().topic_arn(topic).protocol("sqs").endpoint(self.arn(queue).await);
        let subscribe = subscribe.attributes("RawMessageDelivery", "true").return_subscription_arn(true);
        match kind {
            Some(kind) => subscribe.attributes("FilterPolicy", policy(kind)),
            None => subscribe,
        }
    }

    /// Subscribes a queue behind the weather; returns the ARN.
    pub(crate) async fn subscribe(&self, topic: &str, queue: &str, kind: Option<&str>) -> String {
        let subscription = self.subscription(&self.sns, topic, queue, kind).await;
        subscription.send().await.unwrap().subscription_arn.unwrap()
    }

    /// Publishes a message of a kind behind the weather.
    pub(crate) async fn publish(&self, topic: &str, text: &str, kind: &str) {
        publish(&self.sns, topic, text, kind).send().await.unwrap();
    }

    /// Waits in real time until the counts say so.
    pub(crate) async fn until(&self, seen: impl Fn(&Counts) -> bool) {
        while !seen(&self.counts()) {
            tokio::task::yield_now().await;
        }
    }

    /// Takes all messages out of a queue, around the weather, up to one that is told: what was published before it has been
    /// delivered, too.
    pub(crate) async fn drain(&self, queue: &str, last: &str) -> Vec<String> {
        let mut texts = Vec::new();
        while !texts.iter().any(|text| text == last) {
            let receive = self.direct.1.receive_message().queue_url(queue).wait_time_seconds(5);
            let found = receive.max_number_of_messages(10).send().await.unwrap().messages.unwrap_or_default();
            assert!(!found.is_empty(), "{last} was not delivered, but {texts:?}");
            for message in found {
                let delete = self.direct.1.delete_message().queue_url(queue);
                delete.receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
                texts.push(message.body.unwrap());
            }
        }
        texts
    }
}

pub(crate) fn clients(account: &Account, endpoint: &str) -> (aws_sdk_sns::Client, aws_sdk_sqs::Client) {
    let sns = aws_sdk_sns::config::Builder::from(&account.sdk_config(Service::Sns))
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled());
    let sqs = aws_sdk_sqs::config::Builder::from(&account.sdk_config(Service::Sqs))
        .endpoint_url(endpoint)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled());
    (aws_sdk_sns::Client::from_conf(sns.build()), aws_sdk_sqs::Client::from_conf(sqs.build()))
}

pub(crate) fn policy(kind: &str) -> String {
    format!("{{\"{KIND}\":[\"{kind}\"]}}")
}

pub(crate) fn publish(
    client: &aws_sdk_sns::Client,
    topic: &str,
    text: &str,
    kind: &str,
) -> aws_sdk_sns::operation::publish::builders::PublishFluentBuilder {
    let attribute =
        aws_sdk_sns::types::MessageAttributeValue::builder().data_type("String").string_value(kind);
    let publish = client.publish().topic_arn(topic).message(text);
    publish.message_attributes(KIND, attribute.build().unwrap())
}

/// The code of an error, as the service names it.
pub(crate) fn code<E, R>(error: &aws_sdk_sqs::error::SdkError<E, R>) -> Option<String>
where
    aws_sdk_sqs::error::SdkError<E, R>: aws_sdk_sqs::error::ProvideErrorMetadata,
{
    aws_sdk_sqs::error::ProvideErrorMetadata::code(error).map(str::to_owned)
}
