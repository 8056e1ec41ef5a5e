//! SIGKILL, in short forms of `trials kills`, `trials webhooks` and `trials deaths`.

use integration_tests::endpoint;
use integration_tests::processes::{deaths, kills, webhooks};

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
async fn on_a_mild_day_of_aws_tasks_whose_executor_is_killed_go_on_elsewhere_as_well() {
    let Some(aws) = endpoint::aws() else { return };
    let seed = fastrand::u64(..);
    let outcome = kills::run(plan().in_weather(seed), aws, 2, seed, |_| ()).await;
    assert!(outcome.is_right(), "{outcome:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_whose_sender_is_killed_are_told_each_event_and_the_end() {
    let Some(aws) = endpoint::aws() else { return };
    let outcome = webhooks::run(plan(), aws, 3, fastrand::u64(..), |_| ()).await;
    assert!(outcome.is_right(3), "{outcome:#?}");
    assert!(outcome.events > 300 && outcome.calls > outcome.tasks, "{outcome:?}");
    assert!(outcome.repeats > 0 && outcome.merged > 0, "nothing was told again, or together: {outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_servers_that_are_killed_while_they_start_run_and_drain() {
    let Some(aws) = endpoint::aws() else { return };
    let outcome = deaths::run(env!("CARGO_BIN_EXE_trials"), aws, 3, 3, |_, _| ()).await;
    assert!(outcome.wrong.is_empty(), "{outcome:#?}");
    // The last one may have left before.
    assert!(outcome.kills >= 8, "{outcome:?}");
    assert!(outcome.tasks >= 18, "three for each process that ran: {outcome:?}");
}
