//! An instance that the topic does not reach serves: it is reached directly, and by the topic once a probe has arrived.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use a2a_bus_snssqs::{Clients, SnsSqsBus};
use a2a_core::{Endpoint, EventBus, Reach, Recipient};
use aws_sdk_sns::operation::publish::PublishOutput;
use aws_sdk_sns::operation::subscribe::{SubscribeError, SubscribeOutput};
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use aws_smithy_types::error::ErrorMetadata;
use serde_json::json;
use tokio::time::Instant;

use crate::common::fake::{FakeSqs, TOPIC};
use crate::common::tap::Strike;
use crate::common::{Site, eventually_by_topic, new_instance, seal, watch};

fn recipient(endpoint: &Arc<dyn Endpoint>) -> Recipient {
    Recipient { instance: endpoint.me(), reach: endpoint.reach() }
}

#[tokio::test]
async fn an_instance_that_cannot_subscribe_is_reached_directly_and_by_the_topic_later() {
    let Some(site) = Site::open().await else { return };
    let (sender, subscribed) = (site.endpoint().await, [site.endpoint().await, site.endpoint().await]);
    site.tap.fail("Subscribe", Strike::Before);
    let direct = site.endpoint().await;
    assert_eq!(direct.reach(), Reach::Direct);
    futures::future::join_all(subscribed.iter().map(eventually_by_topic)).await;

    let mut everybody: Vec<_> = subscribed.iter().map(recipient).collect();
    everybody.push(recipient(&direct));
    site.tap.reset();
    let first = watch(sender.me(), 1);
    assert!(sender.send(&everybody, &first).await.unwrap().gone.is_empty());
    assert_eq!(site.tap.count("PublishBatch"), 1, "for those whom the topic reaches");
    assert_eq!(site.tap.count("SendMessageBatch"), 1, "for the other");
    for endpoint in subscribed.iter().chain([&direct]) {
        assert_eq!(endpoint.receive().await.unwrap(), std::slice::from_ref(&first));
    }

    site.tap.heal();
    eventually_by_topic(&direct).await;
    everybody = subscribed.iter().chain([&direct]).map(recipient).collect();
    site.tap.reset();
    let second = watch(sender.me(), 2);
    assert!(sender.send(&everybody, &second).await.unwrap().gone.is_empty());
    assert_eq!((site.tap.count("PublishBatch"), site.tap.count("SendMessageBatch")), (1, 0));
    assert_eq!(direct.receive().await.unwrap(), [second]);
    for endpoint in subscribed.iter().chain([&direct, &sender]) {
        endpoint.close().await.unwrap();
    }
    site.assert_nothing_is_left().await;
}

/// A topic of which the test decides whom it reaches, and a queue in virtual time.
#[derive(Debug, Clone, Default)]
struct Stage {
    subscribes: Arc<AtomicUsize>,
    probes: Arc<AtomicUsize>,
    is_subscribed: Arc<AtomicBool>,
    /// A filter that is applied, a policy that lets messages in.
    is_open: Arc<AtomicBool>,
    queue: Arc<Mutex<Vec<String>>>,
}

impl Stage {
    /// The clients of an instance; `refused`: as often is it refused with this code to subscribe.
    fn clients(&self, refused: usize, code: &'static str) -> Clients {
        let (counted, subscribed) = (self.clone(), self.clone());
        let no = mock!(aws_sdk_sns::Client::subscribe)
            .match_requests(move |_| counted.subscribes.fetch_add(1, Ordering::SeqCst) < refused)
            .then_error(move || {
                SubscribeError::generic(ErrorMetadata::builder().code(code).message("no").build())
            });
        let yes = mock!(aws_sdk_sns::Client::subscribe).then_output(move || {
            subscribed.is_subscribed.store(true, Ordering::SeqCst);
            SubscribeOutput::builder().subscription_arn(format!("{TOPIC}:1")).build()
        });
        let publishing = self.clone();
        let publish = mock!(aws_sdk_sns::Client::publish)
            .match_requests(move |input| {
                publishing.probes.fetch_add(1, Ordering::SeqCst);
                if [&publishing.is_subscribed, &publishing.is_open]
                    .iter()
                    .all(|one| one.load(Ordering::SeqCst))
                {
                    publishing.queue.lock().unwrap().extend(input.message().map(str::to_owned));
                }
                true
            })
            .then_output(|| PublishOutput::builder().message_id("m").build());
        let queue = Arc::clone(&self.queue);
        let service = FakeSqs::new(move |call, arguments| {
            let (queue, receives) = (Arc::clone(&queue), call == "ReceiveMessage");
            async move {
                let until = Instant::now()
                    + Duration::from_secs(arguments["WaitTimeSeconds"].as_u64().unwrap_or_default());
                loop {
                    let body = queue.lock().unwrap().pop().filter(|_| receives);
                    if let Some(body) = body {
                        let message = json!({ "MessageId": "m", "ReceiptHandle": "r", "Body": body });
                        break json!({ "Messages": [message] });
                    }
                    if Instant::now() >= until {
                        break json!({});
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
        let sns = mock_client!(aws_sdk_sns, RuleMode::MatchAny, [&no, &yes, &publish]);
        Clients { sns, sqs: service.clients().sqs }
    }

    async fn endpoint(&self, refused: usize, code: &'static str) -> Arc<dyn Endpoint> {
        let bus = SnsSqsBus::with_clients(self.clients(refused, code), TOPIC).unwrap();
        bus.connect(&new_instance(), &seal()).await.unwrap()
    }
}

/// Waits for it in virtual time, and tells how long that took.
async fn until(endpoint: &Arc<dyn Endpoint>, reach: Reach, at_most: Duration) -> Duration {
    let started = Instant::now();
    while endpoint.reach() != reach {
        assert!(started.elapsed() < at_most, "still reached {:?}", endpoint.reach());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    started.elapsed()
}

/// Whatever the reason: a quota of the topic, the rate of an account, a permission that is missing for a moment, no topic.
#[tokio::test(start_paused = true)]
async fn a_subscription_is_tried_again_with_growing_pauses_that_are_never_the_same() {
    for code in [
        "FilterPolicyLimitExceeded",
        "SubscriptionLimitExceeded",
        "Throttled",
        "AuthorizationError",
        "NotFound",
    ] {
        let stage = Stage::default();
        stage.is_open.store(true, Ordering::SeqCst);
        let endpoint = stage.endpoint(8, code).await;
        assert_eq!(endpoint.reach(), Reach::Direct, "{code}");
        let took = until(&endpoint, Reach::Topic, Duration::from_secs(300)).await;
        assert!(took > Duration::from_secs(60), "{code}: {took:?}");
        assert_eq!(stage.subscribes.load(Ordering::SeqCst), 9, "{code}");
    }
}

/// SNS answers `Subscribe` at once and applies the filter within 15 minutes.
#[tokio::test(start_paused = true)]
async fn an_instance_is_reached_by_the_topic_once_a_probe_has_arrived_and_no_sooner() {
    let stage = Stage::default();
    let endpoint = stage.endpoint(0, "").await;
    let quarter = Duration::from_secs(900);
    let connected = Instant::now();
    while connected.elapsed() < quarter {
        assert_eq!(endpoint.reach(), Reach::Direct);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    stage.is_open.store(true, Ordering::SeqCst);
    until(&endpoint, Reach::Topic, Duration::from_secs(130)).await;
    let subscribes = stage.subscribes.load(Ordering::SeqCst);
    assert!(subscribes < 20, "{subscribes} of them, within the rates");
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_deleted_is_made_again() {
    let stage = Stage::default();
    stage.is_open.store(true, Ordering::SeqCst);
    let endpoint = stage.endpoint(0, "").await;
    assert_eq!(endpoint.reach(), Reach::Topic);
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!((endpoint.reach(), stage.subscribes.load(Ordering::SeqCst)), (Reach::Topic, 1));

    stage.is_subscribed.store(false, Ordering::SeqCst);
    until(&endpoint, Reach::Direct, Duration::from_secs(420)).await;
    until(&endpoint, Reach::Topic, Duration::from_secs(30)).await;
    assert_eq!(stage.subscribes.load(Ordering::SeqCst), 2);
}

/// One that is late or lost says nothing yet: each change of the way is told to everybody.
#[tokio::test(start_paused = true)]
async fn one_lost_probe_changes_nothing() {
    let stage = Stage::default();
    stage.is_open.store(true, Ordering::SeqCst);
    let endpoint = stage.endpoint(0, "").await;
    for _ in 0..4 {
        let probes = stage.probes.load(Ordering::SeqCst);
        stage.is_open.store(false, Ordering::SeqCst);
        while stage.probes.load(Ordering::SeqCst) == probes {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        stage.is_open.store(true, Ordering::SeqCst);
        while stage.probes.load(Ordering::SeqCst) < probes + 3 {
            assert_eq!(endpoint.reach(), Reach::Topic);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert_eq!(stage.subscribes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_the_topic_does_not_take_goes_to_each_queue() {
    let Some(site) = Site::open().await else { return };
    let (sender, others) = (site.endpoint().await, [site.endpoint().await, site.endpoint().await]);
    futures::future::join_all(others.iter().map(eventually_by_topic)).await;
    let everybody: Vec<_> = others.iter().map(recipient).collect();
    site.tap.fail("PublishBatch", Strike::Before);
    site.tap.reset();
    for version in 1..=3 {
        let message = watch(sender.me(), version);
        assert!(sender.send(&everybody, &message).await.unwrap().gone.is_empty());
        for endpoint in &others {
            assert_eq!(endpoint.receive().await.unwrap(), std::slice::from_ref(&message));
        }
    }
    assert_eq!(site.tap.count("SendMessageBatch"), 6);
    assert_eq!(site.tap.count("PublishBatch"), 1, "it is given a rest");
    for endpoint in others.iter().chain([&sender]) {
        endpoint.close().await.unwrap();
    }
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_subscription_whose_answer_was_lost_is_removed_in_the_end() {
    let Some(site) = Site::open().await else { return };
    site.tap.fail("Subscribe", Strike::After);
    let endpoint = site.endpoint().await;
    assert_eq!(endpoint.reach(), Reach::Direct, "nobody knows better");
    assert_eq!(site.subscriptions().await.len(), 1);
    endpoint.close().await.unwrap();
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn closing_lists_no_subscriptions_where_it_knows_what_there_is() {
    let Some(site) = Site::open().await else { return };
    let subscribed = site.endpoint().await;
    site.tap.fail("Subscribe", Strike::Before);
    let refused = site.endpoint().await;
    for endpoint in [subscribed, refused] {
        endpoint.close().await.unwrap();
    }
    assert_eq!(site.tap.count("ListSubscriptionsByTopic"), 0);
    site.assert_nothing_is_left().await;
}
