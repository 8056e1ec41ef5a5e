//! The services are away for longer than the lease, and come back.

use std::time::Duration;

use a2a_testworld::Passage;
use integration_tests::processes::{Crew, FaultProxies, Show};

use crate::stage::{SHOW, crew};

/// Does something to the ways to the services while tasks run, and puts it right after twice the lease.
async fn an_outage(shut: impl FnOnce(&FaultProxies)) {
    let Some(crew) = crew(|_| ()).await else { return };
    let Some(proxies) = crew.site().fault_proxies() else { return };
    let mut performance = SHOW.begin(&crew).await;
    performance.begun(SHOW.tasks).await;
    shut(proxies);
    tokio::time::sleep(crew.plan().lease * 2).await;
    proxies.set(Passage::Open);
    let review = performance.end(&crew).await;
    assert!(review.is_right(), "{:#?}{}", review.wrong, crew.words());
    all_serve_again(crew).await;
}

/// Who was here before serves again: nobody who lived was declared dead.
async fn all_serve_again(crew: Crew) {
    let show = Show { tasks: 6, chunks: 5, gap: Duration::from_millis(10), watchers: 1, ..SHOW };
    let review = show.begin(&crew).await.end(&crew).await;
    assert!(review.is_right(), "{:#?}{}", review.wrong, crew.words());
    let rejoined: Vec<_> = crew.nodes().iter().map(|node| node.journal().rejoined()).collect();
    assert_eq!(rejoined, [0; 3], "instances that lived were evicted{}", crew.words());
    let left = crew.shutdown().await;
    assert!(left.is_nothing(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_go_on_after_every_connection_to_the_services_broke_for_longer_than_the_lease() {
    an_outage(|proxies| proxies.set(Passage::Cut)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_go_on_after_the_services_said_nothing_for_longer_than_the_lease() {
    an_outage(|proxies| proxies.set(Passage::Silent)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_miss_nothing_while_topic_and_queues_are_away() {
    an_outage(|proxies| proxies.bus.set(Passage::Cut)).await;
}
