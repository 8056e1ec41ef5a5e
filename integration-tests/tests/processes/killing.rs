//! SIGKILL, in short forms of `trials kills` and `trials deaths`.

use integration_tests::endpoint;
use integration_tests::processes::{deaths, kills};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_servers_that_are_killed_while_they_start_run_and_drain() {
    let Some(aws) = endpoint::aws() else { return };
    let outcome = deaths::run(env!("CARGO_BIN_EXE_trials"), aws, 3, 3, |_, _| ()).await;
    assert!(outcome.wrong.is_empty(), "{outcome:#?}");
    assert_eq!(outcome.kills, 9);
    assert!(outcome.tasks >= 18, "three for each process that ran: {outcome:?}");
}
