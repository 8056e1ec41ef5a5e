//! Many tasks at once.

use std::time::Duration;

use integration_tests::endpoint;
use integration_tests::processes::load;

use crate::stage::plan;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stream_of_a_hundred_tasks_at_once_is_whole_on_every_instance() {
    let Some(aws) = endpoint::aws() else { return };
    let mut plan = plan();
    // Nobody is to be missed because the machine is busy.
    plan.lease = Duration::from_secs(15);
    let figures = load::run(plan, aws, 100, 20, Duration::from_millis(50)).await;
    println!("{figures}");
    assert!(figures.is_right(), "{:#?}", figures.review.wrong);
    assert_eq!(figures.review.streams, 300);
}
