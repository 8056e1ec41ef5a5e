//! SIGKILL, in a short form of `trials kills`.

use integration_tests::endpoint;
use integration_tests::processes::kills;

use crate::stage::plan;

/// Kills three processes at random moments; what the survivors do with their tasks is for the caller to say.
async fn killing(resume: bool) {
    let Some(aws) = endpoint::aws() else { return };
    let mut plan = plan();
    plan.resume = resume;
    let outcome = kills::run(plan, aws, 3, fastrand::u64(..), |_| ()).await;
    assert!(outcome.is_right(), "{outcome:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_whose_executor_is_killed_go_on_elsewhere_and_every_stream_has_all_of_them() {
    killing(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_whose_executor_is_killed_fail_where_that_is_wanted_and_every_stream_says_so() {
    killing(false).await;
}
