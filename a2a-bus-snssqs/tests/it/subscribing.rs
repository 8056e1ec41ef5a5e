//! An instance without a subscription serves: it is reached directly, and by the topic once that succeeds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a_bus_snssqs::{Clients, SnsSqsBus};
use a2a_core::{Endpoint, EventBus, Reach, Recipient};
use aws_sdk_sns::operation::subscribe::{SubscribeError, SubscribeOutput};
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use aws_smithy_types::error::ErrorMetadata;
use serde_json::json;
use tokio::time::Instant;

use crate::common::fake::{FakeSqs, TOPIC};
use crate::common::tap::Strike;
use crate::common::{Site, new_instance, seal, watch};

fn recipient(endpoint: &Arc<dyn Endpoint>) -> Recipient {
    Recipient { instance: endpoint.me(), reach: endpoint.reach() }
}

async fn eventually_by_topic(endpoint: &Arc<dyn Endpoint>) {
    let reached = async {
        while endpoint.reach() != Reach::Topic {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reached).await.expect("no subscription");
}

#[tokio::test]
async fn an_instance_that_cannot_subscribe_is_reached_directly_and_by_the_topic_later() {
    let Some(site) = Site::open().await else { return };
    let (sender, subscribed) = (site.endpoint().await, [site.endpoint().await, site.endpoint().await]);
    site.tap.fail("Subscribe", Strike::Before);
    let direct = site.endpoint().await;
    assert_eq!(direct.reach(), Reach::Direct);

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

/// Whatever the reason: a quota of the topic, the rate of an account, a permission that is missing for a moment.
#[tokio::test(start_paused = true)]
async fn a_subscription_is_tried_again_with_growing_pauses_that_are_never_the_same() {
    for code in ["FilterPolicyLimitExceeded", "SubscriptionLimitExceeded", "Throttled", "AuthorizationError"]
    {
        let (tries, last) = (Arc::new(AtomicUsize::new(0)), 8);
        let (counted, started) = (Arc::clone(&tries), Instant::now());
        let subscribe = mock!(aws_sdk_sns::Client::subscribe)
            .match_requests(move |_| counted.fetch_add(1, Ordering::Relaxed) < last)
            .then_error(move || {
                SubscribeError::generic(ErrorMetadata::builder().code(code).message("no").build())
            });
        let at_last = mock!(aws_sdk_sns::Client::subscribe)
            .then_output(|| SubscribeOutput::builder().subscription_arn(format!("{TOPIC}:1")).build());
        let quiet = FakeSqs::new(|_, arguments| async move {
            let wait = arguments["WaitTimeSeconds"].as_u64().unwrap_or_default();
            tokio::time::sleep(Duration::from_secs(wait)).await;
            json!({})
        });
        let clients = Clients {
            sns: mock_client!(aws_sdk_sns, RuleMode::MatchAny, [&subscribe, &at_last]),
            sqs: quiet.clients().sqs,
        };
        let bus = SnsSqsBus::with_clients(clients, TOPIC).unwrap();
        let endpoint = bus.connect(&new_instance(), &seal()).await.unwrap();
        assert_eq!(endpoint.reach(), Reach::Direct, "{code}");
        while endpoint.reach() == Reach::Direct {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(endpoint.reach(), Reach::Topic, "{code}");
        let took = started.elapsed();
        assert!(took > Duration::from_secs(1) && took < Duration::from_secs(300), "{code}: {took:?}");
        drop(endpoint);
    }
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
