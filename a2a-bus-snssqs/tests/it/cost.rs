//! What AWS would bill: requests of an idle endpoint, and messages per commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use a2a_bus_snssqs::SnsSqsConfig;
use serde_json::json;

use crate::common::fake::FakeSqs;
use crate::common::{Site, by_topic, eventually_by_topic, watch};

/// Its queue stays empty: every long poll lasts as long as it asked to.
#[tokio::test(start_paused = true)]
async fn an_idle_endpoint_makes_at_most_three_requests_a_minute() {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let service = FakeSqs::new(move |_, arguments| {
        counted.fetch_add(1, Ordering::Relaxed);
        let wait = Duration::from_secs(arguments["WaitTimeSeconds"].as_u64().unwrap());
        async move {
            tokio::time::sleep(wait).await;
            json!({})
        }
    });
    let endpoint = service.endpoint(SnsSqsConfig::default()).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let requests = requests.load(Ordering::Relaxed);
    assert!((29..=31).contains(&requests), "{requests} requests in ten minutes");
    endpoint.close().await.unwrap();
}

/// `k` of `n` instances watch a task: a commit is one request of the sender and `k` messages, whatever `n` is.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_costs_as_many_messages_as_there_are_watchers() {
    const WATCHERS: usize = 3;
    const COMMITS: u64 = 5;
    for instances in [2, 10, 50] {
        let Some(site) = Site::open().await else { return };
        let endpoints = futures::future::join_all((0..instances).map(|_| site.endpoint())).await;
        let watchers = WATCHERS.min(instances - 1);
        let (sender, others) = endpoints.split_first().unwrap();
        let to: Vec<_> = others.iter().take(watchers).map(|watcher| watcher.me()).collect();
        let to = by_topic(&to);
        futures::future::join_all(endpoints.iter().map(eventually_by_topic)).await;
        site.rests().await;
        site.tap.reset();
        let began = Instant::now();
        for version in 1..=COMMITS {
            assert!(sender.send(&to, &watch(sender.me(), version)).await.unwrap().gone.is_empty());
        }
        for watcher in &others[..watchers] {
            let mut got = 0;
            while got < COMMITS as usize {
                got += watcher.receive().await.unwrap().len();
            }
        }
        let calls = site.tap.calls();
        let sends = site.tap.count("PublishBatch") + site.tap.count("SendMessageBatch");
        assert_eq!(sends, COMMITS as usize, "{instances} instances: {calls:?}");
        // A poll per message at most, and each watcher's next one; the others' polls were open before, and last for twenty
        // seconds each.
        let renewed = began.elapsed().as_secs() as usize / 20 + 1;
        let most_polls = watchers * (COMMITS as usize + 1) + instances * renewed;
        assert!(site.tap.count("ReceiveMessage") <= most_polls, "{instances} instances: {calls:?}");
        assert!(site.tap.count("DeleteMessageBatch") <= watchers * COMMITS as usize, "{calls:?}");
        for other in &others[watchers..] {
            let nothing = tokio::time::timeout(Duration::from_millis(1), other.receive()).await;
            assert!(nothing.is_err(), "an instance that watches nothing got a message");
        }
        let closed = futures::future::join_all(endpoints.iter().map(|endpoint| endpoint.close())).await;
        closed.into_iter().for_each(Result::unwrap);
        site.assert_nothing_is_left().await;
    }
}
