//! The services are away for longer than the lease, and come back.

use std::time::Duration;

use integration_tests::processes::{Passage, Show};

use crate::stage::{PATIENCE, crew};

async fn an_outage(passage: Passage) {
    let Some(crew) = crew(|_| ()).await else { return };
    let Some(gate) = crew.site().gate() else {
        println!("SKIPPED: no gate can stand before this endpoint");
        return;
    };
    let show = Show { tasks: 4, chunks: 60, gap: Duration::from_millis(50), watchers: 2, patience: PATIENCE };
    let mut performance = show.begin(&crew).await;
    performance.begun(4).await;
    gate.set(passage);
    tokio::time::sleep(crew.plan().lease * 2).await;
    gate.set(Passage::Open);
    let review = performance.end(&crew).await;
    assert!(review.is_right(), "{:#?}{}", review.wrong, crew.words());

    // Who was here before serves again, too.
    let show = Show { tasks: 6, chunks: 5, gap: Duration::from_millis(10), watchers: 1, patience: PATIENCE };
    let review = show.begin(&crew).await.end(&crew).await;
    assert!(review.is_right(), "{:#?}{}", review.wrong, crew.words());
    let rejoined: Vec<_> = crew.nodes().iter().map(|node| node.journal().rejoined()).collect();
    assert_eq!(rejoined, [0; 3], "instances that lived were evicted{}", crew.words());
    let left = crew.shutdown().await;
    assert!(left.is_nothing(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_go_on_after_every_connection_to_the_services_broke_for_longer_than_the_lease() {
    an_outage(Passage::Cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_go_on_after_the_services_said_nothing_for_longer_than_the_lease() {
    an_outage(Passage::Silent).await;
}
