//! What killed processes leave is removed without an operator.

use super::site::Site;

const FAST: [&str; 4] = ["--beat-interval", "0.25", "--lease", "1.5"];

#[tokio::test]
async fn a_survivor_removes_queue_and_subscription_of_one_that_was_killed() {
    let Some(site) = Site::provisioned().await else { return };
    let (mut killed, survivor) = tokio::join!(site.serve(&FAST), site.serve(&FAST));
    site.becomes([2, 2, 2]).await;
    killed.kill().await;
    assert_eq!(site.leftovers().await, [2, 2, 2]);
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
    site.becomes([2, 2, 2]).await;
    site.becomes([1, 1, 1]).await;
    assert!(site.queues().await[0].ends_with(&next.instances[0].id));
    next.terminate().await;
    assert_eq!(next.ended().await.code(), Some(0));
    assert_eq!(site.leftovers().await, [0, 0, 0]);
}
