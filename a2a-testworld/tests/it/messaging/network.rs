//! Connections, answers and time.

use a2a_testworld::weather::{Network, Refusal, ServiceError, SnsWeather, Spread, SqsWeather, Weather};
use aws_sdk_sqs::config::retry::RetryConfig;
use tokio_util::task::TaskTracker;

use super::place::{Place, publish};
use crate::place::seconds;

#[tokio::test(start_paused = true)]
async fn an_answer_is_lost_after_a_message_was_published() {
    let Some(place) = Place::new().await else { return };
    let (topic, queue) = (place.topic().await, place.queue("queue").await);
    place.subscribe(&topic, &queue, None).await;
    place.proxy.set(Weather::clear().lost_answers(1.0));
    publish(&place.sns, &topic, "text", "a").send().await.unwrap_err();
    assert_eq!(place.drain(&queue, "text").await, ["text"]);
    assert_eq!(place.counts().operation("Publish").lost, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reset_connection_sent_nothing_and_only_where_it_is_meant() {
    let Some(place) = Place::new().await else { return };
    let queue = place.queue("queue").await;
    let network =
        Network { operations: vec!["sqs:SendMessage".to_owned()], resets: 1.0, ..Network::default() };
    place.proxy.set(Weather { network, ..Weather::clear() });
    place.sqs.send_message().queue_url(&queue).message_body("text").send().await.unwrap_err();
    assert!(place.sqs.receive_message().queue_url(&queue).send().await.unwrap().messages().is_empty());
    assert_eq!(place.counts().operation("SendMessage").reset, 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_never_answered() {
    let Some(place) = Place::new().await else { return };
    let queue = place.queue("queue").await;
    place.proxy.set(Weather::clear().unanswered(1.0));
    let sent = place.sqs.send_message().queue_url(&queue).message_body("text").send();
    let sent = TaskTracker::new().spawn(sent);
    place.until(|counts| counts.operation("SendMessage").unanswered == 1).await;
    tokio::time::advance(seconds(100_000.0)).await;
    assert!(!sent.is_finished());
}

#[tokio::test(start_paused = true)]
async fn half_of_the_messages_that_get_a_500_were_sent() {
    let Some(place) = Place::new().await else { return };
    let queue = place.queue("queue").await;
    place.proxy.set(Weather::clear().refuse(Refusal::of(ServiceError::InternalServerError)));
    for n in 0..60 {
        let send = place.sqs.send_message().queue_url(&queue).message_body(n.to_string());
        send.send().await.unwrap_err();
    }
    place.proxy.set(Weather::clear());
    place.sqs.send_message().queue_url(&queue).message_body("end").send().await.unwrap();
    let sent = place.drain(&queue, "end").await.len() as u64 - 1;
    assert!((15..=45).contains(&sent), "{sent} of 60");
    assert_eq!(place.counts().operation("SendMessage").refused_after_applying, sent);
}

#[tokio::test(start_paused = true)]
async fn each_service_has_a_latency_of_its_own() {
    let Some(place) = Place::new().await else { return };
    let (topic, queue) = (place.topic().await, place.queue("queue").await);
    let exactly = |time| Some(Spread::exactly(seconds(time)));
    let sns = SnsWeather { latency: exactly(0.2), ..SnsWeather::default() };
    let sqs = SqsWeather { latency: exactly(0.1), ..SqsWeather::default() };
    place.proxy.set(Weather::clear().latency(Spread::exactly(seconds(9.0))).sns(sns).sqs(sqs));
    let tasks = TaskTracker::new();
    let sent = tasks.spawn(place.sqs.send_message().queue_url(&queue).message_body("text").send());
    let published = tasks.spawn(publish(&place.sns, &topic, "text", "a").send());
    let both = |counts: &a2a_testworld::weather::Counts| {
        counts.operation("SendMessage").requests == 1 && counts.operation("Publish").requests == 1
    };
    place.until(both).await;
    tokio::time::advance(seconds(0.11)).await;
    sent.await.unwrap().unwrap();
    assert!(!published.is_finished());
    tokio::time::advance(seconds(0.1)).await;
    published.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_with_retries_gets_through_mild_weather() {
    let Some(place) = Place::new().await else { return };
    let queue = place.queue("queue").await;
    // Without times, for the clock stands.
    let sqs = SqsWeather { latency: None, delivery: None, ..SqsWeather::usual() };
    place.proxy.set(Weather::mild().sqs(sqs));
    let retries = RetryConfig::standard().with_max_attempts(10).with_initial_backoff(seconds(0.0));
    let config = place.sqs.config().to_builder().retry_config(retries).build();
    let stubborn = aws_sdk_sqs::Client::from_conf(config);
    for n in 0..200 {
        let send = stubborn.send_message().queue_url(&queue).message_body(n.to_string());
        let sent = TaskTracker::new().spawn(send.send());
        while !sent.is_finished() {
            // Whoever waits before an attempt goes on.
            tokio::time::advance(seconds(0.001)).await;
            tokio::task::yield_now().await;
        }
        sent.await.unwrap().unwrap();
    }
    let outcomes = place.counts().operation("SendMessage");
    assert!(outcomes.requests > 200, "{outcomes:?}");
}
