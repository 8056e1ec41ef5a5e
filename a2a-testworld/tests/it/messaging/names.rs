//! Queues that come and go.

use a2a_testworld::weather::{Spread, SqsWeather, Weather};

use super::place::{Place, code};
use crate::place::seconds;

#[tokio::test(start_paused = true)]
async fn a_queue_is_usable_a_second_after_it_was_created() {
    let Some(place) = Place::new().await else { return };
    place.proxy.set(Weather::clear().sqs(SqsWeather::quotas()));
    let create = || place.sqs.create_queue().queue_name("queue").send();
    let queue = create().await.unwrap().queue_url.unwrap();
    let send = || place.sqs.send_message().queue_url(&queue).message_body("text").send();
    assert!(send().await.unwrap_err().into_service_error().is_queue_does_not_exist());
    let url = place.sqs.get_queue_url().queue_name("queue").send().await.unwrap_err();
    assert_eq!(code(&url).as_deref(), Some("AWS.SimpleQueueService.NonExistentQueue"));
    tokio::time::advance(seconds(1.1)).await;
    send().await.unwrap();
    // It stays so when it is created once more.
    create().await.unwrap();
    send().await.unwrap();
    assert_eq!(place.counts().messaging.not_usable_yet, 2);
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_deleted_queue_is_blocked_for_a_minute() {
    let Some(place) = Place::new().await else { return };
    let queue = place.queue("queue").await;
    place.proxy.set(Weather::clear().sqs(SqsWeather::quotas()));
    place.sqs.delete_queue().queue_url(&queue).send().await.unwrap();
    let create = |name: &str| place.sqs.create_queue().queue_name(name).send();
    let blocked = create("queue").await.unwrap_err();
    assert_eq!(blocked.raw_response().unwrap().status().as_u16(), 400);
    assert!(blocked.into_service_error().is_queue_deleted_recently());
    create("another").await.unwrap();
    tokio::time::advance(seconds(59.9)).await;
    create("queue").await.unwrap_err();
    tokio::time::advance(seconds(0.2)).await;
    create("queue").await.unwrap();
    assert_eq!(place.counts().messaging.names_blocked, 2);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_queue_is_there_for_a_while() {
    let Some(place) = Place::new().await else { return };
    let queue = place.queue("queue").await;
    let deletion = Some(Spread::exactly(seconds(30.0)));
    place.proxy.set(Weather::clear().sqs(SqsWeather { deletion, ..SqsWeather::default() }));
    let delete = || place.sqs.delete_queue().queue_url(&queue).send();
    delete().await.unwrap();
    let send = || place.sqs.send_message().queue_url(&queue).message_body("text").send();
    tokio::time::advance(seconds(29.9)).await;
    send().await.unwrap();
    assert_eq!(place.sqs.list_queues().send().await.unwrap().queue_urls().len(), 1);
    delete().await.unwrap();
    let create = place.sqs.create_queue().queue_name("queue").send().await.unwrap_err();
    assert!(create.into_service_error().is_queue_deleted_recently());
    tokio::time::advance(seconds(0.2)).await;
    assert!(send().await.unwrap_err().into_service_error().is_queue_does_not_exist());
    assert_eq!(place.direct.1.list_queues().send().await.unwrap().queue_urls().len(), 0);
    assert_eq!(place.counts().messaging.deletions_delayed, 1);
}
