//! What killed processes leave is removed without an operator.

use super::site::Site;
use crate::node::soon;

/// A lease that whoever lives keeps on a busy machine, too.
const FAST: [&str; 4] = ["--beat-interval", "0.5", "--lease", "6"];

#[tokio::test]
async fn a_survivor_removes_queue_and_subscription_of_one_that_was_killed() {
    let Some(site) = Site::provisioned().await else { return };
    let (mut killed, survivor) = tokio::join!(site.serve(&FAST), site.serve(&FAST));
    site.becomes([2, 2, 2]).await;
    killed.kill().await;
    site.becomes([1, 1, 1]).await;
    assert!(site.queues().await[0].ends_with(&survivor.instances[0].id));
    survivor.terminate().await;
    assert_eq!(survivor.ended().await.code(), Some(0));
    assert_eq!(site.leftovers().await, [0, 0, 0]);
}

#[tokio::test]
async fn who_starts_next_removes_what_the_last_one_left_that_was_killed() {
    let Some(site) = Site::provisioned().await else { return };
    let mut killed = site.serve(&FAST).await;
    site.becomes([1, 1, 1]).await;
    killed.kill().await;
    let next = site.serve(&FAST).await;
    // What the killed one has left looks the same until that of the next one is there.
    soon(async {
        while !matches!(&site.queues().await[..], [one] if one.ends_with(&next.instances[0].id)) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    site.becomes([1, 1, 1]).await;
    next.terminate().await;
    assert_eq!(next.ended().await.code(), Some(0));
    assert_eq!(site.leftovers().await, [0, 0, 0]);
}
