//! SIGTERM: a deployment replaces one process after the other, while clients work.

use std::time::Duration;

use integration_tests::endpoint;
use integration_tests::processes::{Plan, Workload, drains};

use crate::stage::{WORKLOAD, cluster, plan};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_load_loses_nothing_and_leaves_nothing() {
    // Shorter than a task: what runs has to be handed over.
    let Some(mut cluster) = cluster(|plan| plan.grace = Duration::from_secs(1)).await else { return };
    let workload = Workload { tasks: 4, chunks: 80, gap: Duration::from_millis(50), ..WORKLOAD };
    let old: Vec<_> = cluster.nodes().iter().map(|node| node.name().to_owned()).collect();
    let mut performances = Vec::new();
    for name in &old {
        let mut running = workload.begin(&cluster).await;
        running.begun(1).await;
        performances.push(running);
        cluster.add().await;
        cluster.retire(name).await;
    }
    for running in performances {
        let review = running.end(&cluster).await;
        assert!(review.is_right(), "{:#?}{}", review.wrong, cluster.words());
    }
    assert_eq!(cluster.resources().tasks().await, 12);
    let left = cluster.shutdown().await;
    assert!(left.is_nothing(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_refuses_resets_and_cuts_short_nothing() {
    let Some(aws) = endpoint::aws() else { return };
    let outcome = drains::run(Plan { nodes: 2, ..plan() }, aws, 2, |_| ()).await;
    assert!(outcome.is_right(), "{outcome:#?}");
    assert!(outcome.met.sends > 20 && outcome.met.streams > 10, "{:?}", outcome.met);
}
