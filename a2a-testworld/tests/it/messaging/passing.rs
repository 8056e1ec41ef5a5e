//! What the weather does not touch passes as it is, and the same seed draws the same.

use a2a_testworld::weather::{Rate, SnsWeather, SqsWeather, Weather};

use super::place::{Place, policy};
use crate::place::seconds;

const TEXT: &str = "ü \u{1F600} \"quoted\" <&amp;> \\ \n +%20";

#[tokio::test(start_paused = true)]
async fn messages_and_attributes_pass_as_they_are() {
    let Some(place) = Place::new().await else { return };
    let quotas = Weather::clear().rates(Rate::documented());
    place.proxy.set(quotas.sns(SnsWeather::quotas()).sqs(SqsWeather::quotas()));
    let topic = place.sns.create_topic().name("topic").send().await.unwrap().topic_arn.unwrap();
    let queue = place.sqs.create_queue().queue_name("queue").send().await.unwrap().queue_url.unwrap();
    tokio::time::advance(seconds(1.1)).await;
    let arn = place.subscribe(&topic, &queue, Some(TEXT.trim_end_matches("\\ \n +%20"))).await;
    assert_eq!(place.subscribe(&topic, &queue, None).await, arn);
    place.publish(&topic, TEXT, TEXT.trim_end_matches("\\ \n +%20")).await;
    let receive = place.sqs.receive_message().queue_url(&queue).wait_time_seconds(5);
    let received = receive.message_attribute_names("All").send().await.unwrap();
    let [message] = received.messages() else { panic!("{received:?}") };
    assert_eq!(message.body(), Some(TEXT));
    assert_eq!(message.message_attributes().unwrap().len(), 1);
    place
        .sqs
        .delete_message()
        .queue_url(&queue)
        .receipt_handle(message.receipt_handle().unwrap())
        .send()
        .await
        .unwrap();
    let attributes =
        |client: &aws_sdk_sns::Client| client.get_subscription_attributes().subscription_arn(&arn).send();
    let (seen, direct) = (attributes(&place.sns).await.unwrap(), attributes(&place.direct.0).await.unwrap());
    assert_eq!(seen.attributes, direct.attributes);
}

#[tokio::test(start_paused = true)]
async fn errors_of_the_endpoint_pass() {
    let Some(place) = Place::new().await else { return };
    let topic = place.topic().await;
    let quotas = Weather::clear().sns(SnsWeather::quotas()).sqs(SqsWeather::usual());
    place.proxy.set(Weather { sqs: SqsWeather { latency: None, ..quotas.sqs.clone() }, ..quotas });
    let missing = format!("{topic}-which-is-not-there");
    let subscribe =
        place.sns.subscribe().topic_arn(&missing).protocol("sqs").endpoint("arn:aws:sqs:us-east-1:1:q");
    let refused = subscribe.attributes("FilterPolicy", policy("a")).send().await.unwrap_err();
    assert!(refused.into_service_error().is_not_found_exception());
    let list = place.sns.list_subscriptions_by_topic().topic_arn(&missing).send().await.unwrap_err();
    assert!(list.into_service_error().is_not_found_exception());
    let url = "http://127.0.0.1/000000000000/which-is-not-there";
    let receive = place.sqs.receive_message().queue_url(url).wait_time_seconds(1).send().await.unwrap_err();
    assert!(receive.into_service_error().is_queue_does_not_exist());
    let counts = place.counts();
    for operation in ["Subscribe", "ListSubscriptionsByTopic", "ReceiveMessage"] {
        assert_eq!(counts.operation(operation).failed, 1, "{operation}");
    }
}

/// How many messages each of some receives gets.
async fn sizes(seed: u64) -> Option<Vec<usize>> {
    let place = Place::seeded(seed).await?;
    let queue = place.queue("queue").await;
    for n in 0..60 {
        place.direct.1.send_message().queue_url(&queue).message_body(n.to_string()).send().await.unwrap();
    }
    let sqs = SqsWeather { short_answers: 0.5, duplicates: 0.3, ..SqsWeather::default() };
    place.proxy.set(Weather::clear().sqs(sqs));
    let mut sizes = Vec::new();
    for _ in 0..12 {
        let receive = place.sqs.receive_message().queue_url(&queue).max_number_of_messages(10);
        sizes.push(receive.send().await.unwrap().messages().len());
    }
    Some(sizes)
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_draws_the_same_for_the_same_requests() {
    let Some(first) = sizes(7).await else { return };
    assert_eq!(Some(&first), sizes(7).await.as_ref());
    assert_ne!(Some(first), sizes(8).await);
}
