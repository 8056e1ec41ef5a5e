//! Connections, answers and time.

use a2a_testworld::weather::{Network, Spread, Weather};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::SdkError;
use tokio_util::task::TaskTracker;

use crate::place::{Place, TABLE, client, item, seconds};

#[tokio::test(start_paused = true)]
async fn an_answer_is_lost_after_the_write_was_applied() {
    let place = Place::new().await;
    place.proxy.set(Weather::clear().lost_answers(1.0));
    let failed = place.put(item("p", "1", &[])).await.unwrap_err();
    assert_eq!(failed.code, None);
    assert!(place.has("p", "1").await.is_some());
    let counts = place.counts();
    assert_eq!((counts.operation("PutItem").lost, counts.operation("PutItem").succeeded), (1, 0));
    assert_eq!(counts.table(TABLE).units.written, 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_reset_connection_did_nothing() {
    let place = Place::new().await;
    place.put(item("p", "0", &[])).await.unwrap();
    place.proxy.set(Weather::clear().resets(1.0));
    assert_eq!(place.put(item("p", "1", &[])).await.unwrap_err().code, None);
    assert!(place.has("p", "1").await.is_none());
    assert_eq!(place.counts().operation("PutItem").reset, 1);
    place.proxy.set(Weather::clear());
    place.put(item("p", "1", &[])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn only_the_operations_that_are_meant_meet_the_network() {
    let place = Place::new().await;
    let network = Network { operations: vec!["GetItem".to_owned()], resets: 1.0, ..Network::default() };
    place.proxy.set(Weather { network, ..Weather::clear() });
    place.put(item("p", "1", &[])).await.unwrap();
    let get = place.client.get_item().table_name(TABLE).set_key(Some(crate::place::key("p", "1")));
    get.send().await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_never_answered_and_may_have_been_applied() {
    let place = Place::new().await;
    place.proxy.set(Weather::clear().unanswered(1.0));
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(seconds(3.0)).build();
    let patient = client(&place.proxy.url(), |builder| builder.timeout_config(timeouts));
    let mut applied = 0;
    for n in 0..20 {
        let put = patient.put_item().table_name(TABLE).set_item(Some(item("p", &n.to_string(), &[])));
        let sent = TaskTracker::new().spawn(put.send());
        // A request is counted when it is neither answered nor to be applied any more, or soon will be.
        place.until(|counts| counts.operation("PutItem").unanswered == n + 1).await;
        tokio::time::advance(seconds(3.1)).await;
        assert!(matches!(sent.await.unwrap().unwrap_err(), SdkError::TimeoutError(_)));
    }
    place.until(|counts| counts.table(TABLE).units.written > 4.0).await;
    for n in 0..20 {
        applied += usize::from(place.has("p", &n.to_string()).await.is_some());
    }
    assert!((4..=16).contains(&applied), "{applied} of 20");
}

#[tokio::test(start_paused = true)]
async fn an_answer_takes_as_long_as_is_drawn() {
    let place = Place::new().await;
    place.proxy.set(Weather::clear().latency(Spread::exactly(seconds(0.05))));
    let put = place.client.put_item().table_name(TABLE).set_item(Some(item("p", "1", &[])));
    let begun = tokio::time::Instant::now();
    let sent = TaskTracker::new().spawn(put.send());
    place.until(|counts| counts.operation("PutItem").requests == 1).await;
    // Nothing happens as long as the clock stands.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(!sent.is_finished() && place.has("p", "1").await.is_none());
    tokio::time::advance(seconds(0.051)).await;
    sent.await.unwrap().unwrap();
    assert!(begun.elapsed() >= seconds(0.05));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    let place = Place::new().await;
    place.proxy.set(
        Weather::clear().latency(Spread::exactly(seconds(1.0))).index_lag(Spread::exactly(seconds(1.0))),
    );
    let put = |owner: &str| {
        let item = item("p", "1", &[("owner", owner), ("at", "1")]);
        place.client.put_item().table_name(TABLE).set_item(Some(item))
    };
    let sent = TaskTracker::new().spawn(put("ann").send());
    place.until(|counts| counts.operation("PutItem").requests == 1).await;
    sent.abort();
    assert!(sent.await.unwrap_err().is_cancelled());
    tokio::time::advance(seconds(1.1)).await;
    place.until(|counts| counts.operation("PutItem").succeeded == 1).await;
    place.proxy.set(Weather::clear());
    put("ben").send().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_with_retries_gets_through_mild_weather() {
    let place = Place::new().await;
    // Without times, for the clock stands.
    let mild = Weather { latency: None, ..Weather::mild() };
    place.proxy.set(mild);
    let retries = RetryConfig::standard().with_max_attempts(10).with_initial_backoff(seconds(0.0));
    let stubborn = client(&place.proxy.url(), |builder| builder.retry_config(retries));
    for n in 0..300 {
        let put = stubborn.put_item().table_name(TABLE).set_item(Some(item("p", &n.to_string(), &[])));
        let sent = TaskTracker::new().spawn(put.send());
        while !sent.is_finished() {
            // Whoever waits before an attempt goes on.
            tokio::time::advance(seconds(0.001)).await;
            tokio::task::yield_now().await;
        }
        sent.await.unwrap().unwrap();
    }
    let outcomes = place.counts().operation("PutItem");
    assert!(outcomes.requests > 300, "{outcomes:?}");
}
