//! What killed processes leave is removed without an operator.

use std::time::Duration;

use super::site::Site;
use crate::node::soon;

const FAST: [&str; 4] = ["--beat-interval", "0.25", "--lease", "1.5"];

#[tokio::test]
async fn a_survivor_removes_queue_subscription_and_record_of_one_that_was_killed() {
    let Some(site) = Site::provisioned().await else { return };
    let (mut killed, survivor) = tokio::join!(site.serve(&FAST), site.serve(&FAST));
    killed.kill().await;
    assert_eq!(site.leftovers().await, [2, 2, 2]);
    soon(async {
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        while site.leftovers().await != [1, 1, 1] {
            pause.tick().await;
        }
    })
    .await;
    assert!(site.queues().await[0].ends_with(&survivor.instances[0].id));
    survivor.terminate().await;
    assert_eq!(survivor.ended().await.code(), Some(0));
    assert_eq!(site.leftovers().await, [0, 0, 0]);
}

#[tokio::test]
async fn the_last_to_leave_removes_what_one_that_was_just_killed_has_left() {
    let Some(site) = Site::provisioned().await else { return };
    let (mut killed, last) = tokio::join!(site.serve(&FAST), site.serve(&FAST));
    killed.kill().await;
    last.terminate().await;
    assert_eq!(last.ended().await.code(), Some(0));
    assert_eq!(site.leftovers().await, [0, 0, 0]);
}
