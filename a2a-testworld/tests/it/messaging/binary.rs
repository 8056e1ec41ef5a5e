//! The binary, told about SNS and SQS by its flags and by JSON.

use serde_json::json;

use super::place::clients;
use crate::binary::{ask, start};

#[tokio::test]
async fn the_binary_plays_sns_and_sqs() {
    let Some(aws) = a2a_testaws::aws() else { return };
    let flags = ["--quotas", "--latency", "--filter-delay", "900", "--meanwhile", "before", "--allow"];
    let flags = [&flags[..], &["sqs:CreateQueue,sqs:Send*", "--failed-entries", "0.5"]].concat();
    let (_running, url) = start(aws.url(a2a_testaws::Service::Sqs), &flags);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let path = format!("{url}/_weather");
    let shown = ask(http.get(&path)).await["weather"].clone();
    assert_eq!(shown["sns"]["filter_delay"]["meanwhile"], json!("Before"));
    assert_eq!(shown["sns"]["filter_delay"]["after"]["to_ms"], json!(900_000.0));
    assert_eq!((&shown["sns"]["filter_policies"], &shown["sns"]["page"]), (&json!(200), &json!(100)));
    assert_eq!(shown["sqs"]["name_blocked_ms"], json!(60_000.0));
    assert_eq!(shown["sqs"]["failed_entries"], json!(0.5));
    assert_eq!(shown["rates"][0], json!({"operations": ["sns:Subscribe"], "per_second": 100.0}));
    let (_, sqs) = clients(&aws.account(), &url);
    let queue = sqs.create_queue().queue_name("queue").send().await.unwrap().queue_url.unwrap();
    let send = || sqs.send_message().queue_url(&queue).message_body("text").send();
    assert!(send().await.unwrap_err().into_service_error().is_queue_does_not_exist());
    sqs.delete_queue().queue_url(&queue).send().await.unwrap_err();
    let json = json!({"sqs": {"short_answers": 0.5}, "allowed": ["sqs:*"]});
    let shown = ask(http.post(&path).body(json.to_string())).await;
    assert_eq!(shown["weather"]["sqs"]["name_blocked_ms"], json!(null));
    send().await.unwrap();
    let counts = ask(http.get(&path)).await["counts"].clone();
    assert_eq!(counts["messaging"]["not_usable_yet"], json!(1));
    assert_eq!(counts["operations"]["DeleteQueue"]["refused"], json!(1));
}
