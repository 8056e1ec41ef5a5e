//! Short forms of the trial `bus`: many instances whose SNS and SQS are as on a bad day.

use std::time::Duration;

use a2a_testaws as endpoint;
use integration_tests::bus_weather::{Place, Report, Trial};

const LASTS: Duration = Duration::from_secs(3);

fn sound(report: &Report) {
    assert_eq!(report.faults(), Vec::<String>::new(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_start_at_once_and_are_replaced_beyond_the_quota_of_filters_show_whole_streams() {
    let Some(aws) = endpoint::aws() else { return };
    let place = Place::make(&aws.account(), 20).await;
    // Replacing twelve takes 24 filters.
    let mut trial = Trial::begin(place, 16, Duration::from_secs(4));
    sound(&trial.start(12, LASTS).await);
    let rolled = trial.roll(LASTS).await;
    sound(&rolled);
    assert!(!rolled.weather.contains(" 0 beyond the quota"), "{rolled}");
    assert_eq!(trial.end().await, [0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_sqs_or_a_right_to_the_topic_or_with_messages_that_go_astray_streams_are_whole() {
    let Some(aws) = endpoint::aws() else { return };
    let place = Place::make(&aws.account(), 21).await;
    let mut trial = Trial::begin(place, 200, Duration::from_secs(2));
    sound(&trial.start(4, LASTS).await);
    for report in [trial.outage(LASTS).await, trial.denied(2, LASTS).await, trial.noise(LASTS).await] {
        sound(&report);
    }
    assert_eq!(trial.end().await, [0, 0]);
}
