//! Requests a second, and subscriptions a page.

use std::collections::BTreeSet;

use a2a_testworld::weather::{Rate, SnsWeather, Weather};

use super::place::{Place, clients, code};
use crate::place::seconds;

#[tokio::test(start_paused = true)]
async fn an_account_subscribes_a_hundred_times_a_second() {
    let Some(place) = Place::new().await else { return };
    let (topic, queue) = (place.topic().await, place.queue("queue").await);
    let subscription = place.subscription(&place.sns, &topic, &queue, None).await;
    place.proxy.set(Weather::clear().rates(Rate::documented()));
    for _ in 0..100 {
        subscription.clone().send().await.unwrap();
    }
    let throttled = subscription.clone().send().await.unwrap_err();
    assert_eq!((code(&throttled).as_deref(), status(&throttled)), (Some("Throttling"), 400));
    // Unsubscribing has its own hundred.
    let unsubscribe = place.sns.unsubscribe().subscription_arn(format!("{topic}:no-such-subscription"));
    assert_ne!(unsubscribe.send().await.err().and_then(|error| code(&error)).as_deref(), Some("Throttling"));
    tokio::time::advance(seconds(0.02)).await;
    subscription.clone().send().await.unwrap();
    subscription.clone().send().await.unwrap();
    subscription.send().await.unwrap_err();
    assert_eq!(place.counts().operation("Subscribe").throttled, 2);
}

#[tokio::test(start_paused = true)]
async fn tags_of_queues_are_asked_for_and_changed_five_times_a_second_by_each_account() {
    let Some(place) = Place::new().await else { return };
    let queue = place.queue("queue").await;
    place.proxy.set(Weather::clear().rates(Rate::documented()));
    for _ in 0..4 {
        place.sqs.tag_queue().queue_url(&queue).tags("a", "b").send().await.unwrap();
    }
    place.sqs.list_queue_tags().queue_url(&queue).send().await.unwrap();
    let throttled = place.sqs.tag_queue().queue_url(&queue).tags("a", "b").send().await.unwrap_err();
    assert_eq!(status(&throttled), 400);
    assert!(throttled.into_service_error().is_request_throttled());
    let another = a2a_testaws::aws().unwrap().account();
    let (_, sqs) = clients(&another, &place.proxy.url());
    let own = sqs.create_queue().queue_name("queue").send().await.unwrap().queue_url.unwrap();
    sqs.tag_queue().queue_url(own).tags("a", "b").send().await.unwrap();
    tokio::time::advance(seconds(0.2)).await;
    place.sqs.tag_queue().queue_url(&queue).tags("a", "b").send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn creating_queues_has_the_rate_that_is_set() {
    let Some(place) = Place::new().await else { return };
    place
        .proxy
        .set(Weather::clear().rates([Rate::of(["CreateQueue"], 2.0), Rate::of(["sqs:ListQueues"], 0.5)]));
    // One passes at once, however seldom they may come.
    place.sqs.list_queues().send().await.unwrap();
    place.sqs.list_queues().send().await.unwrap_err();
    let create = |name: &str| place.sqs.create_queue().queue_name(name).send();
    create("one").await.unwrap();
    create("two").await.unwrap();
    assert!(create("three").await.unwrap_err().into_service_error().is_request_throttled());
    tokio::time::advance(seconds(0.5)).await;
    create("three").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn lists_have_pages_of_a_hundred_with_every_subscription_once() {
    let Some(place) = Place::new().await else { return };
    let topic = place.topic().await;
    let mut subscribed = BTreeSet::new();
    for n in 0..205 {
        let queue = place.queue(&format!("queue-{n}")).await;
        let subscription = place.subscription(&place.direct.0, &topic, &queue, None).await;
        subscribed.insert(subscription.send().await.unwrap().subscription_arn.unwrap());
    }
    place.proxy.set(Weather::clear().sns(SnsWeather::quotas()).rates(Rate::documented()));
    let (mut sizes, mut listed, mut token) = (Vec::new(), BTreeSet::new(), None);
    loop {
        let page = place.sns.list_subscriptions_by_topic().topic_arn(&topic).set_next_token(token.take());
        let page = page.send().await.unwrap();
        sizes.push(page.subscriptions().len());
        listed.extend(page.subscriptions().iter().map(|one| one.subscription_arn.clone().unwrap()));
        assert!(page.subscriptions().iter().all(|one| one.protocol() == Some("sqs")));
        match page.next_token {
            Some(next) => token = Some(next),
            None => break,
        }
    }
    assert_eq!((sizes, &listed), (vec![100, 100, 5], &subscribed));
    assert_eq!(place.counts().messaging.pages_cut, 2);
    for _ in 0..27 {
        place.sns.list_subscriptions_by_topic().topic_arn(&topic).send().await.unwrap();
    }
    let throttled = place.sns.list_subscriptions_by_topic().topic_arn(&topic).send().await.unwrap_err();
    assert_eq!(code(&throttled).as_deref(), Some("Throttling"));
}

fn status<E>(error: &aws_sdk_sqs::error::SdkError<E, aws_sdk_sqs::config::http::HttpResponse>) -> u16 {
    error.raw_response().unwrap().status().as_u16()
}
