//! What AWS would bill: requests of an idle endpoint, and messages per commit.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a_bus_snssqs::{Clients, Config, Deployment, ProvisionedQueue, SnsSqsBus};
use a2a_core::{EventBus, SystemAmbient};
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use common::{Site, new_instance, watch};

/// A service whose queues stay empty: every long poll lasts as long as it asked to.
#[derive(Debug, Clone, Default)]
struct Silence(Arc<AtomicUsize>);

impl HttpConnector for Silence {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.fetch_add(1, Ordering::Relaxed);
        let body: serde_json::Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let wait = Duration::from_secs(body["WaitTimeSeconds"].as_u64().unwrap());
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(wait).await;
            Ok(HttpResponse::new(200.try_into().unwrap(), SdkBody::from("{}")))
        })
    }
}

impl HttpClient for Silence {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_endpoint_makes_at_most_three_requests_a_minute() {
    let service = Silence::default();
    let credentials = Credentials::new("key", "secret", None, None, "test");
    let sns = aws_sdk_sns::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials.clone())
        .http_client(service.clone());
    let sqs = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials)
        .http_client(service.clone());
    let clients = Clients {
        sns: aws_sdk_sns::Client::from_conf(sns.build()),
        sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
    };
    let deployment = Deployment::new("arn:aws:sns:us-east-1:123456789012:a2a", "a2a").unwrap();
    let config = Config::new(deployment.clone(), new_instance());
    let queue = ProvisionedQueue {
        queue_url: "https://sqs.us-east-1.amazonaws.com/123456789012/a2a-x".to_owned(),
        queue_arn: "arn:aws:sqs:us-east-1:123456789012:a2a-x".to_owned(),
        subscription_arn: "arn:aws:sns:us-east-1:123456789012:a2a:x".to_owned(),
    };
    let bus = SnsSqsBus::attach(clients, config, Arc::new(SystemAmbient), queue);
    tokio::time::sleep(Duration::from_secs(600)).await;
    let requests = service.0.load(Ordering::Relaxed);
    assert!((29..=31).contains(&requests), "{requests} requests in ten minutes");
    bus.close().await.unwrap();
}

/// `k` of `n` instances watch a task: a commit is one request of the sender and `k` messages, whatever `n` is.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_costs_as_many_messages_as_there_are_watchers() {
    const WATCHERS: usize = 3;
    const COMMITS: u64 = 5;
    for instances in [2, 10, 50] {
        let Some(site) = Site::open().await else { return };
        let buses = futures::future::join_all((0..instances).map(|_| site.bus())).await;
        let watchers = WATCHERS.min(instances - 1);
        let (sender, others) = buses.split_first().unwrap();
        let to: Vec<_> = others.iter().take(watchers).map(EventBus::me).collect();
        site.tap.reset();
        for version in 1..=COMMITS {
            assert!(sender.send(&to, &watch(sender.me(), version)).await.unwrap().gone.is_empty());
        }
        for watcher in &others[..watchers] {
            let mut got = 0;
            while got < COMMITS as usize {
                got += watcher.receive().await.unwrap().len();
            }
        }
        let calls = site.tap.calls();
        let sends = site.tap.count("PublishBatch") + site.tap.count("SendMessageBatch");
        assert_eq!(sends, COMMITS as usize, "{instances} instances: {calls:?}");
        // A poll per message at most, and each watcher's next one; the others' polls were open before.
        let most_polls = watchers * (COMMITS as usize + 1) + instances;
        assert!(site.tap.count("ReceiveMessage") <= most_polls, "{instances} instances: {calls:?}");
        assert!(site.tap.count("DeleteMessageBatch") <= watchers * COMMITS as usize, "{calls:?}");
        for other in &others[watchers..] {
            let nothing = tokio::time::timeout(Duration::from_millis(1), other.receive()).await;
            assert!(nothing.is_err(), "an instance that watches nothing got a message");
        }
        let closed = futures::future::join_all(buses.iter().map(EventBus::close)).await;
        closed.into_iter().for_each(Result::unwrap);
        site.assert_nothing_is_left().await;
    }
}
