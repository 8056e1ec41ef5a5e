//! What connecting makes, and what becomes of it where a step fails; closing removes it.

use std::time::Duration;

use a2a_bus_snssqs::{Clients, ConfigError, SnsSqsBus, TopicArn};
use a2a_core::{BackendError, EventBus, InstanceId, Reach, Recipient};
use a2a_testaws::Service;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use crate::common::fake::{FakeSqs, TOPIC};
use crate::common::tap::Strike;
use crate::common::{Site, eventually_by_topic, new_instance, watch};

#[tokio::test]
async fn a_queue_is_made_with_policy_encryption_retention_and_tags() {
    let Some(site) = Site::open().await else { return };
    let endpoint = site.endpoint().await;
    let me = endpoint.me();
    let queue_arn = site.topic.queue_arn(me);
    for (name, value) in [
        (QueueAttributeName::QueueArn, &*queue_arn),
        (QueueAttributeName::SqsManagedSseEnabled, "true"),
        (QueueAttributeName::MessageRetentionPeriod, "300"),
    ] {
        assert_eq!(site.attribute(me, name).await.as_deref(), Some(value));
    }
    let policy = site.attribute(me, QueueAttributeName::Policy).await.unwrap();
    let policy: Value = serde_json::from_str(&policy).unwrap();
    let condition = &policy["Statement"][0]["Condition"];
    assert_eq!(condition["ArnEquals"]["aws:SourceArn"], site.topic.to_string());

    let tags = site.clients.sqs.list_queue_tags().queue_url(site.topic.queue_url(me)).send().await.unwrap();
    assert_eq!(tags.tags.unwrap()["a2a:deployment"], site.topic.name());

    let listed = site.clients.sns.list_subscriptions_by_topic().topic_arn(site.topic.to_string());
    let listed = listed.send().await.unwrap();
    assert_eq!(listed.subscriptions()[0].endpoint(), Some(&*queue_arn));
    let arn = listed.subscriptions()[0].subscription_arn().unwrap();
    let attributes = site.clients.sns.get_subscription_attributes().subscription_arn(arn);
    let attributes = attributes.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes["RawMessageDelivery"], "true");
    assert_eq!(attributes["FilterPolicyScope"], "MessageAttributes");
    assert_eq!(attributes["FilterPolicy"], format!("{{\"to\":[\"{me}\"]}}"));

    endpoint.close().await.unwrap();
    assert_eq!(endpoint.reach(), Reach::Nowhere);
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn what_is_there_already_is_taken_as_it_is() {
    let Some(site) = Site::open().await else { return };
    let me = new_instance();
    // Another process, which died.
    drop(site.bus().connect(&me, &site.seal).await.unwrap());
    let bus = site.bus();
    let endpoint = bus.connect(&me, &site.seal).await.unwrap();
    assert_eq!((site.queues().await.len(), site.subscriptions().await.len()), (1, 1));
    endpoint.close().await.unwrap();
    site.assert_nothing_is_left().await;
}

/// The cluster closes an endpoint that failed only after it has the next one.
#[tokio::test]
async fn closing_an_earlier_endpoint_takes_nothing_from_the_one_that_took_its_place() {
    let Some(site) = Site::open().await else { return };
    let (bus, me) = (site.bus(), new_instance());
    let earlier = bus.connect(&me, &site.seal).await.unwrap();
    let later = bus.connect(&me, &site.seal).await.unwrap();
    assert!(matches!(earlier.receive().await, Err(BackendError::Closed)));
    assert_eq!(earlier.reach(), Reach::Nowhere);
    eventually_by_topic(&later).await;
    earlier.close().await.unwrap();
    drop(earlier);
    assert_eq!((site.queues().await.len(), site.subscriptions().await.len()), (1, 1));
    later.close().await.unwrap();
    site.assert_nothing_is_left().await;
}

#[test]
fn a_topic_that_is_none_is_told_at_once() {
    let clients = FakeSqs::deaf().clients();
    let refused = SnsSqsBus::with_clients(clients.clone(), "a2a-events").unwrap_err();
    assert_eq!(refused, ConfigError::NoTopicArn("a2a-events".to_owned()));
    let topic: TopicArn = TOPIC.parse().unwrap();
    assert_eq!(*SnsSqsBus::with_clients(clients.clone(), TOPIC.to_owned()).unwrap().topic(), topic);
    assert_eq!(*SnsSqsBus::with_clients(clients, topic.clone()).unwrap().topic(), topic);
}

#[tokio::test]
async fn a_bus_makes_its_own_clients_of_the_topics_region_with_timeouts() {
    let Some(site) = Site::open().await else { return };
    let aws = site.account.sdk_config(Service::Sqs).into_builder();
    let aws = aws.region(aws_sdk_sqs::config::Region::new("mars-north-1")).build();
    let bus = SnsSqsBus::new(&aws, site.topic.to_string()).unwrap();
    let Clients { sns, sqs } = bus.clients();
    assert_eq!(sns.config().region().map(AsRef::as_ref), Some(site.topic.region()));
    assert_eq!(sqs.config().region().map(AsRef::as_ref), Some(site.topic.region()));
    for timeouts in [sns.config().timeout_config().unwrap(), sqs.config().timeout_config().unwrap()] {
        assert!(timeouts.connect_timeout().is_some() && timeouts.read_timeout().is_some());
        assert!(timeouts.operation_timeout() >= timeouts.operation_attempt_timeout());
        assert!(timeouts.operation_attempt_timeout().is_some());
    }
    for retries in [sns.config().retry_config().unwrap(), sqs.config().retry_config().unwrap()] {
        assert!(retries.initial_backoff() < Duration::from_millis(200), "hints do not wait for a second");
    }
    if site.account.sdk_config(Service::Sns).endpoint_url() == aws.endpoint_url() {
        let endpoint = bus.connect(&new_instance(), &site.seal).await.unwrap();
        endpoint.close().await.unwrap();
        site.assert_nothing_is_left().await;
    }
}

#[tokio::test]
async fn an_instance_without_a_topic_is_reached_directly_and_makes_none() {
    let Some(site) = Site::open().await else { return };
    let absent = format!("{}-absent", site.topic);
    let bus = SnsSqsBus::with_clients(site.clients.clone(), &absent).unwrap();
    let sender = bus.connect(&new_instance(), &site.seal).await.unwrap();
    let other = bus.connect(&new_instance(), &site.seal).await.unwrap();
    assert_eq!((sender.reach(), other.reach()), (Reach::Direct, Reach::Direct));
    let message = watch(sender.me(), 1);
    let to = [Recipient { instance: other.me(), reach: other.reach() }];
    assert!(sender.send(&to, &message).await.unwrap().gone.is_empty());
    assert_eq!(other.receive().await.unwrap(), [message]);
    assert_eq!(site.tap.count("CreateTopic"), 1, "by the test itself");
    for endpoint in [sender, other] {
        endpoint.close().await.unwrap();
    }
    let queues = site.clients.sqs.list_queues().send().await.unwrap().queue_urls;
    assert_eq!(queues.unwrap_or_default(), Vec::<String>::new());
}

#[tokio::test]
async fn clients_of_another_region_are_refused() {
    let Some(site) = Site::open().await else { return };
    let elsewhere = site.topic.to_string().replace(site.account.region(), "mars-north-1");
    let bus = SnsSqsBus::with_clients(site.clients.clone(), elsewhere).unwrap();
    let error = bus.connect(&new_instance(), &site.seal).await.unwrap_err();
    assert!(error.to_string().contains("another region"), "{error}");
}

#[tokio::test]
async fn a_topic_of_another_account_is_refused_and_nothing_stays() {
    let Some(site) = Site::open().await else { return };
    let Some(other) = Site::open().await else { return };
    if site.account.access_key() == other.account.access_key() {
        return; // The environment chose one account for all.
    }
    // Only the queue's clients are of the wrong account, as with a shared topic.
    let mixed = Clients { sns: site.clients.sns.clone(), sqs: other.clients.sqs.clone() };
    let bus = SnsSqsBus::with_clients(mixed, site.topic.clone()).unwrap();
    let error = bus.connect(&new_instance(), &site.seal).await.unwrap_err();
    assert!(error.to_string().contains("account"), "{error}");
    let queues = other.clients.sqs.list_queues().send().await.unwrap().queue_urls;
    assert_eq!(queues.unwrap_or_default(), Vec::<String>::new());
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_connect_that_failed_is_finished_by_the_next() {
    let Some(site) = Site::open().await else { return };
    for strike in [Strike::Before, Strike::After] {
        let (bus, me) = (site.bus(), new_instance());
        site.tap.fail("CreateQueue", strike);
        assert!(bus.connect(&me, &site.seal).await.is_err());
        site.tap.heal();
        let endpoint = bus.connect(&me, &site.seal).await.unwrap();
        eventually_by_topic(&endpoint).await;
        endpoint.close().await.unwrap();
        site.assert_nothing_is_left().await;
    }
}

/// A step whose answer is lost, and nothing after it: as far as AWS can tell, a crash.
#[tokio::test]
async fn what_a_crash_at_any_step_of_connect_leaves_is_released() {
    let Some(site) = Site::open().await else { return };
    for (step, strike) in [
        ("CreateQueue", Strike::Before),
        ("CreateQueue", Strike::After),
        ("Subscribe", Strike::Before),
        ("Subscribe", Strike::After),
    ] {
        let me = new_instance();
        site.tap.fail(step, strike);
        drop(site.bus().connect(&me, &site.seal).await);
        site.tap.heal();
        site.bus().release(&me).await.unwrap();
        site.assert_nothing_is_left().await;
    }
}

#[tokio::test]
async fn what_a_cancelled_connect_leaves_is_released() {
    let Some(site) = Site::open().await else { return };
    for micros in (0..20_000).step_by(1_000) {
        let (bus, me) = (site.bus(), new_instance());
        let limit = Duration::from_micros(micros);
        let _ = tokio::time::timeout(limit, bus.connect(&me, &site.seal)).await;
        // The service may still be at work on a request whose caller has gone.
        loop {
            site.bus().release(&me).await.unwrap();
            if site.queues().await.is_empty() && site.subscriptions().await.is_empty() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn close_goes_on_after_a_failure_says_so_and_can_be_repeated() {
    let Some(site) = Site::open().await else { return };
    for step in ["Unsubscribe", "DeleteQueue"] {
        let endpoint = site.endpoint().await;
        site.tap.fail(step, Strike::Before);
        let error = endpoint.close().await.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        let left = (site.subscriptions().await.len(), site.queues().await.len());
        assert_eq!(left, if step == "Unsubscribe" { (1, 0) } else { (0, 1) }, "the other one is gone");
        site.tap.heal();
        endpoint.close().await.unwrap();
        site.assert_nothing_is_left().await;
    }
}

#[tokio::test]
async fn what_a_crash_at_any_step_of_close_leaves_is_released() {
    let Some(site) = Site::open().await else { return };
    let crash: [&[(&str, Strike)]; 4] = [
        &[("Unsubscribe", Strike::Before), ("DeleteQueue", Strike::Before)],
        &[("Unsubscribe", Strike::After), ("DeleteQueue", Strike::Before)],
        &[("Unsubscribe", Strike::Before)],
        &[("DeleteQueue", Strike::After)],
    ];
    for faults in crash {
        let endpoint = site.endpoint().await;
        let me: InstanceId = endpoint.me();
        faults.iter().for_each(|(step, strike)| site.tap.fail(step, *strike));
        assert!(endpoint.close().await.is_err());
        drop(endpoint);
        site.tap.heal();
        site.bus().release(&me).await.unwrap();
        site.assert_nothing_is_left().await;
    }
}
