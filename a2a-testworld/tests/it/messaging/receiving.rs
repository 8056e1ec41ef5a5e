//! Messages that come late, twice, in another order, or few at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use a2a_testworld::weather::{Spread, SqsWeather, Weather, WeatherProxy};
use aws_sdk_sqs::types::Message;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::place::{Place, clients};
use crate::place::seconds;

/// A queue with some messages in it.
async fn filled(place: &Place, messages: usize) -> String {
    let queue = place.queue("queue").await;
    for n in 0..messages {
        place.direct.1.send_message().queue_url(&queue).message_body(n.to_string()).send().await.unwrap();
    }
    queue
}

async fn receive(place: &Place, queue: &str, wait: i32) -> Vec<Message> {
    let receive = place.sqs.receive_message().queue_url(queue).max_number_of_messages(10);
    receive.wait_time_seconds(wait).send().await.unwrap().messages.unwrap_or_default()
}

fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn messages_arrive_late_and_in_another_order() {
    let Some(place) = Place::new().await else { return };
    let queue = filled(&place, 10).await;
    let delivery = Some(Spread::between(seconds(1.0), seconds(20.0)));
    place.proxy.set(Weather::clear().sqs(SqsWeather { delivery, ..SqsWeather::default() }));
    assert_eq!(texts(&receive(&place, &queue, 0).await), Vec::<&str>::new());
    assert_eq!(place.counts().messaging.messages_delayed, 10);
    let mut arrived: Vec<String> = Vec::new();
    for _ in 0..20 {
        tokio::time::advance(seconds(1.0)).await;
        arrived.extend(texts(&receive(&place, &queue, 0).await).into_iter().map(str::to_owned));
    }
    let sent: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    assert_ne!(arrived, sent);
    arrived.sort();
    assert_eq!(arrived, sent);
}

#[tokio::test(start_paused = true)]
async fn a_receive_that_waits_gets_a_message_when_it_arrives() {
    let Some(place) = Place::new().await else { return };
    let queue = filled(&place, 1).await;
    let delivery = Some(Spread::exactly(seconds(0.5)));
    place.proxy.set(Weather::clear().sqs(SqsWeather { delivery, ..SqsWeather::default() }));
    let receive = place.sqs.receive_message().queue_url(&queue).wait_time_seconds(5);
    let waiting = TaskTracker::new().spawn(receive.send());
    place.until(|counts| counts.messaging.messages_delayed == 1).await;
    tokio::time::advance(seconds(0.49)).await;
    assert!(!waiting.is_finished());
    tokio::time::advance(seconds(0.02)).await;
    assert_eq!(texts(waiting.await.unwrap().unwrap().messages()), ["0"]);
}

#[tokio::test(start_paused = true)]
async fn a_receive_that_waits_is_not_held_up_by_an_endpoint_that_has_nothing_more() {
    let Some(place) = Place::new().await else { return };
    let queue = filled(&place, 1).await;
    let delivery = Some(Spread::exactly(seconds(0.5)));
    place.proxy.set(Weather::clear().sqs(SqsWeather { delivery, ..SqsWeather::default() }));
    assert!(receive(&place, &queue, 0).await.is_empty());
    let receive = place.sqs.receive_message().queue_url(&queue).wait_time_seconds(20);
    let waiting = TaskTracker::new().spawn(receive.send());
    place.until(|counts| counts.operation("ReceiveMessage").requests == 2).await;
    let begun = std::time::Instant::now();
    tokio::time::advance(seconds(0.51)).await;
    assert_eq!(texts(waiting.await.unwrap().unwrap().messages()), ["0"]);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_message_comes_twice_with_a_handle_of_its_own() {
    let Some(place) = Place::new().await else { return };
    let queue = filled(&place, 3).await;
    place.proxy.set(Weather::clear().sqs(SqsWeather { duplicates: 1.0, ..SqsWeather::default() }));
    let first = receive(&place, &queue, 0).await;
    let second = receive(&place, &queue, 0).await;
    assert_eq!((first.len(), second.len()), (3, 3));
    let ids = |messages: &[Message]| -> BTreeSet<_> {
        messages.iter().map(|message| message.message_id().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&first), ids(&second));
    let handles: BTreeSet<_> =
        first.iter().chain(&second).map(|message| message.receipt_handle().unwrap()).collect();
    assert_eq!(handles.len(), 6);
    for message in first.iter().chain(&second) {
        let delete = place.sqs.delete_message().queue_url(&queue);
        delete.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
    }
    assert!(receive(&place, &queue, 0).await.is_empty());
    assert_eq!(place.counts().messaging.messages_repeated, 3);
}

#[tokio::test(start_paused = true)]
async fn the_second_handle_alone_deletes_the_message() {
    let Some(place) = Place::new().await else { return };
    let queue = filled(&place, 1).await;
    place.proxy.set(Weather::clear().sqs(SqsWeather { duplicates: 1.0, ..SqsWeather::default() }));
    let mut both = receive(&place, &queue, 0).await;
    both.extend(receive(&place, &queue, 0).await);
    let copy = both.iter().map(|message| message.receipt_handle().unwrap());
    let copy = copy.max_by_key(|handle| handle.starts_with("weather-copy-")).unwrap();
    assert!(copy.starts_with("weather-copy-"));
    let entry = aws_sdk_sqs::types::DeleteMessageBatchRequestEntry::builder().id("1").receipt_handle(copy);
    let batch = place.sqs.delete_message_batch().queue_url(&queue).entries(entry.build().unwrap());
    assert!(batch.send().await.unwrap().failed().is_empty());
    assert_eq!(in_queue(&place, &queue).await, (0, 0));
}

/// How many messages the endpoint has: visible ones, and those in flight.
async fn in_queue(place: &Place, queue: &str) -> (usize, usize) {
    let get = place.direct.1.get_queue_attributes().queue_url(queue);
    let attributes = get.attribute_names(aws_sdk_sqs::types::QueueAttributeName::All).send().await.unwrap();
    use aws_sdk_sqs::types::QueueAttributeName::{
        ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible,
    };
    let attributes = attributes.attributes.unwrap();
    let number = |name| attributes[&name].parse().unwrap();
    (number(ApproximateNumberOfMessages), number(ApproximateNumberOfMessagesNotVisible))
}

#[tokio::test(start_paused = true)]
async fn a_short_answer_has_few_of_many_and_loses_none() {
    let Some(place) = Place::new().await else { return };
    let queue = filled(&place, 30).await;
    place.proxy.set(Weather::clear().sqs(SqsWeather { short_answers: 1.0, ..SqsWeather::default() }));
    let first = receive(&place, &queue, 1).await;
    assert_eq!(in_queue(&place, &queue).await, (30 - first.len(), first.len()));
    let mut all: BTreeSet<_> = texts(&first).into_iter().map(str::to_owned).collect();
    let mut sizes = vec![first.len()];
    while all.len() < 30 {
        let messages = receive(&place, &queue, 1).await;
        sizes.push(messages.len());
        all.extend(texts(&messages).into_iter().map(str::to_owned));
    }
    // Who waits gets one at least.
    assert!(sizes.iter().all(|size| (1..10).contains(size)), "{sizes:?}");
    assert_eq!(place.counts().messaging.short_answers, sizes.len() as u64);
    let more = filled(&place, 1).await;
    let mut empty = 0;
    while receive(&place, &more, 0).await.is_empty() {
        empty += 1;
        assert!(empty < 200, "nothing came");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_client_that_went_away_was_waiting_for_is_received_by_the_next_one() {
    let Some(place) = Place::new().await else { return };
    let queue = filled(&place, 1).await;
    let delivery = Some(Spread::exactly(seconds(2.0)));
    place.proxy.set(Weather::clear().sqs(SqsWeather { delivery, ..SqsWeather::default() }));
    let waiting = place.sqs.receive_message().queue_url(&queue).wait_time_seconds(20).send();
    let waiting = TaskTracker::new().spawn(waiting);
    place.until(|counts| counts.messaging.messages_delayed == 1).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    place.proxy.set(Weather::clear());
    assert_eq!(texts(&receive(&place, &queue, 0).await), ["0"]);
}

#[tokio::test]
async fn a_receive_ends_with_its_client() {
    let endpoint = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", endpoint.local_addr().unwrap());
    let proxy = WeatherProxy::before(&url, 7).await.unwrap();
    let Some(aws) = a2a_testaws::aws() else { return };
    let (_, sqs) = clients(&aws.account(), &proxy.url());
    let receive = sqs.receive_message().queue_url("http://endpoint/1/queue").wait_time_seconds(20);
    let waiting = TaskTracker::new().spawn(receive.send());
    let (mut connection, _) = endpoint.accept().await.unwrap();
    let mut read = vec![0; 4_096];
    assert!(connection.read(&mut read).await.unwrap() > 0);
    waiting.abort();
    let end = async { while connection.read(&mut read).await.is_ok_and(|bytes| bytes > 0) {} };
    tokio::time::timeout(seconds(20.0), end).await.expect("the endpoint was left waiting for nobody");
}

#[tokio::test]
async fn a_receive_waits_as_long_as_it_says() {
    let Some(place) = Place::new().await else { return };
    let queue = place.queue("queue").await;
    let delivery = Some(Spread::exactly(Duration::from_secs(30)));
    place.proxy.set(Weather::clear().sqs(SqsWeather { delivery, ..SqsWeather::default() }));
    place.direct.1.send_message().queue_url(&queue).message_body("late").send().await.unwrap();
    let begun = std::time::Instant::now();
    assert!(receive(&place, &queue, 2).await.is_empty());
    assert!((1_500..20_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
}
