//! SIGSTOP for longer than the lease, then SIGCONT: a zombie wakes up among those who took over.

use std::time::Duration;

use a2a_testworld::Binding;
use a2a_testworld::world::message;
use integration_tests::processes::{Workload, listener};
use tokio::time::Instant;

use crate::stage::{PATIENCE, WORKLOAD, cluster, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_executor_that_sleeps_through_its_lease_harms_nothing_when_it_wakes() {
    let Some(cluster) = cluster(|plan| {
        plan.idle = Duration::from_secs(3);
        // One that whoever lives keeps on a busy machine, too.
        (plan.beat, plan.lease) = (Duration::from_secs(1), Duration::from_secs(6));
    })
    .await
    else {
        return;
    };
    let workload = Workload { tasks: 4, chunks: 160, gap: Duration::from_millis(50), ..WORKLOAD };
    let mut running = workload.begin(&cluster).await;
    let tasks = running.begun(4).await;
    let zombie = cluster.executor_of(&tasks[0]).await.unwrap();
    // It knows no other instance and no load balancer: only the zombie itself can end this stream.
    let name = zombie.name().to_owned();
    let bystander = cluster.caller_at(&name, Binding::JsonRpc).await;
    let stream = bystander.subscribe(&tasks[0]).await.unwrap();

    zombie.freeze();
    let until = Instant::now() + PATIENCE;
    while !cluster.executed_by(&zombie.id(), &tasks).await.is_empty() {
        assert!(Instant::now() < until, "nobody takes the tasks over{}", cluster.words());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    zombie.thaw();
    let rest = futures::StreamExt::collect::<Vec<_>>(stream);
    tokio::time::timeout(PATIENCE, rest).await.expect("the zombie lets its stream hang");
    eventually("the zombie joins again", || zombie.log().rejoined() == 1).await;

    let review = running.end(&cluster).await;
    assert!(review.is_right(), "{:#?}{}", review.wrong, cluster.words());
    // Under its new id it is an instance like any other.
    let until = Instant::now() + PATIENCE;
    let again = cluster.caller_at(&name, Binding::Rest).await;
    let heard = listener::send_and_hear(again, message("stream 3 10"), until, |_| ()).await;
    assert!(heard.is_complete(), "{heard:?}");
    let rejoined: Vec<_> = cluster.nodes().iter().map(|node| node.log().rejoined()).collect();
    assert_eq!(rejoined.iter().sum::<usize>(), 1, "more than the zombie was evicted: {rejoined:?}");
    let left = cluster.shutdown().await;
    assert!(left.is_nothing(), "{left:?}");
}
