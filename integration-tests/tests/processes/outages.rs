//! The services are away for longer than the lease, and come back.

use std::time::Duration;

use a2a_testworld::Passage;
use integration_tests::processes::{Cluster, FaultProxies, Plan, Workload};

use crate::stage::{WORKLOAD, cluster};

/// A lease that whoever lives keeps on a busy machine, too.
fn unhurried(plan: &mut Plan) {
    (plan.beat, plan.lease) = (Duration::from_secs(1), Duration::from_secs(6));
}

/// Does something to the ways to the services while tasks run, and puts it right after twice the lease.
async fn an_outage(shut: impl FnOnce(&FaultProxies)) {
    let Some(cluster) = cluster(unhurried).await else { return };
    let Some(proxies) = cluster.resources().fault_proxies() else { return };
    let mut running = WORKLOAD.begin(&cluster).await;
    running.begun(WORKLOAD.tasks).await;
    shut(proxies);
    tokio::time::sleep(cluster.plan().lease * 2).await;
    proxies.set(Passage::Open);
    let review = running.end(&cluster).await;
    assert!(review.is_right(), "{:#?}{}", review.wrong, cluster.words());
    all_serve_again(cluster).await;
}

/// Who was here before serves again: nobody who lived was declared dead.
async fn all_serve_again(cluster: Cluster) {
    let workload = Workload { tasks: 6, chunks: 5, gap: Duration::from_millis(10), watchers: 1, ..WORKLOAD };
    let review = workload.begin(&cluster).await.end(&cluster).await;
    assert!(review.is_right(), "{:#?}{}", review.wrong, cluster.words());
    let rejoined: Vec<_> = cluster.nodes().iter().map(|node| node.log().rejoined()).collect();
    assert_eq!(rejoined, [0; 3], "instances that lived were evicted{}", cluster.words());
    let left = cluster.shutdown().await;
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
