//! Batches whose answer has status 200 and failed entries inside.

use std::collections::BTreeSet;

use a2a_testworld::weather::{SnsWeather, SqsWeather, Weather};
use aws_sdk_sns::types::PublishBatchRequestEntry;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

use super::place::Place;

#[tokio::test(start_paused = true)]
async fn entries_of_publish_batch_fail_inside_an_answer_with_status_200() {
    let Some(place) = Place::new().await else { return };
    let (topic, queue) = (place.topic().await, place.queue("queue").await);
    place.subscribe(&topic, &queue, None).await;
    let mut batch = place.sns.publish_batch().topic_arn(&topic);
    for n in 0..10 {
        let entry = PublishBatchRequestEntry::builder().id(format!("id-{n}")).message(format!("text & {n}"));
        batch = batch.publish_batch_request_entries(entry.build().unwrap());
    }
    let some = |failed_entries| Weather::clear().sns(SnsWeather { failed_entries, ..SnsWeather::default() });
    place.proxy.set(some(0.5));
    let answer = batch.clone().send().await.unwrap();
    let succeeded: BTreeSet<_> = answer.successful().iter().map(|one| one.id.clone().unwrap()).collect();
    let failed: BTreeSet<_> = answer.failed().iter().map(|one| one.id.clone()).collect();
    assert!((1..10).contains(&failed.len()) && succeeded.is_disjoint(&failed), "{answer:?}");
    assert_eq!(succeeded.len() + failed.len(), 10);
    assert!(answer.failed().iter().all(|one| one.code == "InternalError" && !one.sender_fault));
    place.proxy.set(Weather::clear());
    place.publish(&topic, "end", "a").await;
    let delivered: BTreeSet<_> =
        place.drain(&queue, "end").await.iter().map(|text| text.replace("text & ", "id-")).collect();
    assert!(delivered.is_superset(&succeeded) && delivered.is_disjoint(&failed), "{delivered:?}");
    place.proxy.set(some(1.0));
    let answer = batch.send().await.unwrap();
    assert_eq!((answer.successful().len(), answer.failed().len()), (0, 10));
    assert_eq!(place.counts().messaging.entries_failed, failed.len() as u64 + 10);
}

#[tokio::test(start_paused = true)]
async fn entries_of_batches_of_sqs_fail_inside_an_answer_with_status_200() {
    let Some(place) = Place::new().await else { return };
    let queue = place.queue("queue").await;
    let mut batch = place.sqs.send_message_batch().queue_url(&queue);
    for n in 0..10 {
        let entry = SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(n.to_string());
        batch = batch.entries(entry.build().unwrap());
    }
    let some = |failed_entries| Weather::clear().sqs(SqsWeather { failed_entries, ..SqsWeather::default() });
    place.proxy.set(some(0.5));
    let answer = batch.clone().send().await.unwrap();
    let succeeded: BTreeSet<_> = answer.successful().iter().map(|one| one.id.clone()).collect();
    let failed: BTreeSet<_> = answer.failed().iter().map(|one| one.id.clone()).collect();
    assert!((1..10).contains(&failed.len()) && succeeded.is_disjoint(&failed), "{answer:?}");
    assert_eq!(succeeded.len() + failed.len(), 10);
    place.direct.1.send_message().queue_url(&queue).message_body("end").send().await.unwrap();
    let mut sent: BTreeSet<_> = place.drain(&queue, "end").await.into_iter().collect();
    sent.remove("end");
    assert!(sent.is_subset(&succeeded), "{sent:?} and {succeeded:?}");
    place.proxy.set(some(1.0));
    let answer = batch.send().await.unwrap();
    assert_eq!((answer.successful().len(), answer.failed().len()), (0, 10));
}
