//! The demo as a user runs it.

use std::collections::HashSet;

use serde_json::Value;

use crate::node;

#[tokio::test]
async fn json_is_one_object_in_which_every_count_is_right() {
    let output = node::run(&["demo", "--json"]).await;
    let said = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{report:#} {said}");
    assert_eq!(report["ok"], true);

    let streams = report["streams"].as_array().unwrap();
    for stream in streams {
        assert_eq!(stream["committed"], stream["received"], "{stream}");
        for count in ["missing", "duplicated", "out_of_order"] {
            assert_eq!(stream[count], 0, "{stream}");
        }
    }
    let instances: HashSet<_> = streams.iter().map(|stream| stream["instance"].as_str().unwrap()).collect();
    assert_eq!(instances.len(), 3, "streams were read from all instances");
    let committed: u64 = streams.iter().map(|stream| stream["committed"].as_u64().unwrap()).sum();
    assert!(committed > 1000, "the demo streamed something: {committed}");
}

#[tokio::test]
async fn people_get_a_timeline_and_a_table_without_colour_codes_in_a_pipe() {
    let output = node::run(&["demo"]).await;
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    for words in [
        "is killed",
        "FAILED",
        "the task moves again, ",
        "SubscribeToTask",
        "chunk 000012",
        "INPUT_REQUIRED",
        "CANCELED",
        " ms",
        "out of order",
    ] {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    assert!(printed.contains("Every stream got every event once, in order."), "{printed}");
    assert!(!printed.contains('\u{1b}'), "{printed}");
}

#[tokio::test]
async fn with_resume_the_task_of_the_killed_instance_is_completed_by_others() {
    let output = node::run(&["demo", "--resume"]).await;
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed} {}", String::from_utf8_lossy(&output.stderr));
    for words in
        ["is killed", "the task moves again, ", "COMPLETED, 40 chunks", "Every stream got every event"]
    {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    assert!(!printed.contains("FAILED"), "{printed}");
}
