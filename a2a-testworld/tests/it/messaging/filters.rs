//! Filter policies: when they take effect, and what is delivered until then.

use a2a_testworld::weather::{FilterDelay, Meanwhile, SnsWeather, Spread, Weather};

use super::place::{Place, policy, publish};
use crate::place::seconds;

/// Filter policies take effect after a minute.
fn after_a_minute(meanwhile: Meanwhile) -> Weather {
    let filter_delay = Some(FilterDelay { after: Spread::exactly(seconds(60.0)), meanwhile });
    Weather::clear().sns(SnsWeather { filter_delay, ..SnsWeather::default() })
}

/// A topic with a queue that gets everything and one that is subscribed to messages of the kind `a` in a weather.
async fn subscribed(place: &Place, weather: Weather) -> (String, String, String) {
    let (topic, queue, all) = (place.topic().await, place.queue("queue").await, place.queue("all").await);
    place.subscribe(&topic, &all, None).await;
    place.proxy.set(weather);
    place.subscribe(&topic, &queue, Some("a")).await;
    (topic, queue, all)
}

/// Publishes a message of each kind; returns what each queue gets of them.
async fn round(place: &Place, topic: &str, queue: &str, all: &str, name: &str) -> Vec<String> {
    for kind in ["a", "b"] {
        place.publish(topic, &format!("{name}-{kind}"), kind).await;
    }
    place.drain(all, &format!("{name}-b")).await;
    // A message that reaches this queue alone, after all others.
    let end = format!("{name}-end");
    place.direct.1.send_message().queue_url(queue).message_body(&end).send().await.unwrap();
    let mut texts = place.drain(queue, &end).await;
    texts.retain(|text| *text != end);
    texts
}

#[tokio::test(start_paused = true)]
async fn nothing_is_delivered_until_a_new_filter_policy_takes_effect() {
    let Some(place) = Place::new().await else { return };
    let (topic, queue, all) = subscribed(&place, after_a_minute(Meanwhile::Nothing)).await;
    assert!(round(&place, &topic, &queue, &all, "first").await.is_empty());
    tokio::time::advance(seconds(59.9)).await;
    assert!(round(&place, &topic, &queue, &all, "second").await.is_empty());
    tokio::time::advance(seconds(0.2)).await;
    assert_eq!(round(&place, &topic, &queue, &all, "third").await, ["third-a"]);
    let counts = place.counts().messaging;
    assert_eq!((counts.filters_delayed, counts.filters_in_effect), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn everything_is_delivered_until_a_new_filter_policy_takes_effect() {
    let Some(place) = Place::new().await else { return };
    let (topic, queue, all) = subscribed(&place, after_a_minute(Meanwhile::Everything)).await;
    assert_eq!(round(&place, &topic, &queue, &all, "first").await, ["first-a", "first-b"]);
    tokio::time::advance(seconds(60.1)).await;
    assert_eq!(round(&place, &topic, &queue, &all, "second").await, ["second-a"]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_filter_policy_takes_effect_later_and_is_shown_at_once() {
    let Some(place) = Place::new().await else { return };
    let (topic, queue, all) = (place.topic().await, place.queue("queue").await, place.queue("all").await);
    place.subscribe(&topic, &all, None).await;
    let arn = place.subscribe(&topic, &queue, Some("a")).await;
    let change = |kind: &str| {
        let set = place.sns.set_subscription_attributes().subscription_arn(&arn);
        set.attribute_name("FilterPolicy").attribute_value(policy(kind)).send()
    };
    place.proxy.set(after_a_minute(Meanwhile::Before));
    change("b").await.unwrap();
    let shown = place.sns.get_subscription_attributes().subscription_arn(&arn).send().await.unwrap();
    assert_eq!(shown.attributes.unwrap()["FilterPolicy"], policy("b"));
    assert_eq!(round(&place, &topic, &queue, &all, "first").await, ["first-a"]);
    tokio::time::advance(seconds(30.0)).await;
    change("b").await.unwrap();
    tokio::time::advance(seconds(30.1)).await;
    assert_eq!(round(&place, &topic, &queue, &all, "second").await, ["second-b"]);
    change("b").await.unwrap();
    assert_eq!(place.counts().messaging.filters_delayed, 1);

    place.proxy.set(after_a_minute(Meanwhile::Nothing));
    change("a").await.unwrap();
    assert!(round(&place, &topic, &queue, &all, "third").await.is_empty());
    // A better weather has none that wait.
    place.proxy.set(Weather::clear());
    assert_eq!(round(&place, &topic, &queue, &all, "fourth").await, ["fourth-a"]);
}

#[tokio::test(start_paused = true)]
async fn a_filter_policy_takes_effect_by_itself() {
    let Some(place) = Place::new().await else { return };
    let (topic, queue, _) = subscribed(&place, after_a_minute(Meanwhile::Nothing)).await;
    tokio::time::advance(seconds(60.1)).await;
    place.until(|counts| counts.messaging.filters_in_effect == 1).await;
    publish(&place.direct.0, &topic, "around", "a").send().await.unwrap();
    assert_eq!(place.drain(&queue, "around").await, ["around"]);
}

#[tokio::test(start_paused = true)]
async fn subscribing_again_is_the_same_subscription_and_starts_no_new_delay() {
    let Some(place) = Place::new().await else { return };
    let (topic, queue, all) = subscribed(&place, after_a_minute(Meanwhile::Nothing)).await;
    let first = place.sns.list_subscriptions_by_topic().topic_arn(&topic).send().await.unwrap();
    tokio::time::advance(seconds(59.0)).await;
    let again = place.subscribe(&topic, &queue, Some("a")).await;
    assert!(first.subscriptions().iter().any(|one| one.subscription_arn() == Some(&again)));
    tokio::time::advance(seconds(1.1)).await;
    place.subscribe(&topic, &queue, Some("a")).await;
    assert_eq!(round(&place, &topic, &queue, &all, "now").await, ["now-a"]);
    assert_eq!(place.counts().messaging.filters_delayed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_ended_gets_no_filter_policy() {
    let Some(place) = Place::new().await else { return };
    let topic = place.topic().await;
    let queue = place.queue("queue").await;
    place.proxy.set(after_a_minute(Meanwhile::Nothing));
    let arn = place.subscribe(&topic, &queue, Some("a")).await;
    place.sns.unsubscribe().subscription_arn(arn).send().await.unwrap();
    tokio::time::advance(seconds(60.1)).await;
    // A new one has a delay of its own.
    place.subscribe(&topic, &queue, Some("a")).await;
    let counts = place.counts().messaging;
    assert_eq!((counts.filters_delayed, counts.filters_in_effect), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_topic_has_no_more_filter_policies_than_it_may_have() {
    let Some(place) = Place::new().await else { return };
    assert_eq!(SnsWeather::quotas().filter_policies, Some(200));
    let topic = place.topic().await;
    let mut queues = Vec::new();
    for n in 0..4 {
        queues.push(place.queue(&format!("queue-{n}")).await);
    }
    // One was there before the weather, and one has no policy.
    place.subscription(&place.direct.0, &topic, &queues[0], Some("a")).await.send().await.unwrap();
    place.proxy.set(Weather::clear().sns(SnsWeather { filter_policies: Some(2), ..SnsWeather::default() }));
    let unfiltered = place.subscribe(&topic, &queues[1], None).await;
    let second = place.subscribe(&topic, &queues[2], Some("a")).await;
    let beyond =
        place.subscription(&place.sns, &topic, &queues[3], Some("a")).await.send().await.unwrap_err();
    assert_eq!(beyond.raw_response().unwrap().status().as_u16(), 403);
    assert!(beyond.into_service_error().is_filter_policy_limit_exceeded_exception());
    let set = |arn: &str, value: &str| {
        let set = place.sns.set_subscription_attributes().subscription_arn(arn);
        set.attribute_name("FilterPolicy").attribute_value(value).send()
    };
    let beyond = set(&unfiltered, &policy("a")).await.unwrap_err().into_service_error();
    assert!(beyond.is_filter_policy_limit_exceeded_exception());
    // Who has one may change it, subscribing again is no second one, and what is taken away counts no more.
    set(&second, &policy("b")).await.unwrap();
    place.subscribe(&topic, &queues[2], Some("b")).await;
    place.sns.unsubscribe().subscription_arn(second).send().await.unwrap();
    place.subscribe(&topic, &queues[3], Some("a")).await;
    assert_eq!(place.counts().messaging.filters_beyond_quota, 2);
}
