//! `doctor` says what is wrong, and what to do.

use std::process::Stdio;
use std::sync::Arc;

use a2a_bus_snssqs::{Clients, SnsSqsBus, TopicArn};
use a2a_core::wire::Seal;
use a2a_core::{Env, EventBus, InstanceId, SystemEnv};
use a2a_testaws::Service;
use aws_sdk_sqs::types::QueueAttributeName;
use axum::Router;
use axum::http::{StatusCode, header};
use chrono::TimeDelta;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::site::Site;
use crate::node::{soon, text};

#[tokio::test]
async fn a_healthy_cluster_has_a_line_for_each_check_and_is_left_as_it_was() {
    let Some(site) = Site::provisioned().await else { return };
    let output = site.run(&["doctor"]).await;
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let checks: Vec<_> = said.lines().map(|line| line.strip_prefix("ok       ").expect(line)).collect();
    let checks: Vec<_> = checks.into_iter().map(|line| line[..12].trim_end()).collect();
    let expected = [
        "region",
        "credentials",
        "clock",
        "table",
        "table access",
        "topic",
        "queue",
        "publish",
        "topic policy",
        "queue policy",
        "topic quota",
        "left over",
        "clean-up",
    ];
    assert_eq!(checks, expected);
    assert_eq!(site.leftovers().await, [0, 0, 0]);
}

#[tokio::test]
async fn what_a_killed_checkup_leaves_is_removed_by_instances() {
    let Some(site) = Site::provisioned().await else { return };
    let node = site.serve(&["--lease", "3", "--beat-interval", "1"]).await;
    site.becomes([1, 1, 1]).await;
    // On a busy machine a checkup may be through before it is killed.
    let mut kills = 0;
    while !is_killed_among_its_queues(&site).await {
        kills += 1;
        assert!(kills < 20, "no checkup was killed in time");
    }
    site.becomes([1, 1, 1]).await;
    node.terminate().await;
}

/// Kills a checkup as soon as its queues are there. Tells whether they are there still.
async fn is_killed_among_its_queues(site: &Site) -> bool {
    let mut checkup = site.command(&["doctor"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(checkup.stdout.take().unwrap()).lines();
    while let Some(line) = soon(lines.next_line()).await.unwrap() {
        if line.starts_with("ok       topic ") {
            break;
        }
    }
    checkup.start_kill().unwrap();
    let status = checkup.wait().await.unwrap();
    status.code().is_none() && site.queues().await.len() > 1
}

#[tokio::test]
async fn what_no_record_leads_to_is_told() {
    let Some(site) = Site::provisioned().await else { return };
    let aws = |service| site.account.sdk_config(service);
    let topic: TopicArn = site.topic_arn().parse().unwrap();
    let (sns, sqs) =
        (aws_sdk_sns::Client::new(&aws(Service::Sns)), aws_sdk_sqs::Client::new(&aws(Service::Sqs)));
    let bus = SnsSqsBus::with_clients(Clients { sns, sqs }, topic).unwrap();
    let lost = InstanceId::generate(&SystemEnv);
    let end = bus.connect(&lost, &Arc::new(Seal::open())).await.unwrap();
    let output = site.run(&["doctor"]).await;
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let told = said.lines().find(|line| line.starts_with("failed   left over")).expect(&said);
    assert!(told.contains(&lost.to_string()) && told.contains("a2a-node reap"), "{told}");
    assert_eq!(said.matches("failed").count(), 1, "{said}");
    drop(end);
    bus.release(&lost).await.unwrap();
    assert_eq!(site.leftovers().await, [0, 0, 0]);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_with_how_much_and_which_way() {
    let Some(site) = Site::bare() else { return };
    for (shift, way) in
        [(TimeDelta::minutes(10), "s behind AWS's"), (TimeDelta::minutes(-10), "s ahead of AWS's")]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = move || async move {
            let date = (SystemEnv.now() + shift).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            (StatusCode::BAD_REQUEST, [(header::DATE, date)])
        };
        let routes = Router::new().fallback(answer);
        let server = TaskTracker::new().spawn(async { axum::serve(listener, routes).await });
        let mut command = site.command(&["doctor", "--table", "tasks"]);
        let output = soon(command.env("AWS_ENDPOINT_URL_DYNAMODB", url).output()).await.unwrap();
        server.abort();
        let said = text(&output.stdout);
        let clock = said.lines().find(|line| line.starts_with("failed   clock")).expect(&said);
        assert!(
            clock.contains("it is 600") || clock.contains("it is 599") || clock.contains("it is 60"),
            "{clock}"
        );
        assert!(clock.contains(way) && clock.contains("NTP"), "{clock}");
    }
}

#[tokio::test]
async fn each_failure_says_what_to_do_and_ends_with_1() {
    let Some(site) = Site::bare() else { return };
    let topic = format!("arn:aws:sns:{}:{}:nowhere", site.account.region(), site.account.access_key());
    let flags = ["doctor", "--json", "--table", "tables-of-others", "--topic-arn", &topic];
    let output = site.run(&flags).await;
    assert_eq!(output.status.code(), Some(1));
    let findings: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed = |check: &str| {
        let finding = findings.iter().find(|finding| finding["check"] == check).unwrap();
        assert_eq!(finding["verdict"], "failed", "{finding}");
        format!("{}: {}", finding["detail"].as_str().unwrap(), finding["whatToDo"].as_str().unwrap())
    };
    let table = failed("table");
    assert!(table.contains("it does not exist") && table.contains("a2a-node provision"), "{table}");
    let topic = failed("topic");
    assert!(topic.contains("there is no topic") && topic.contains("sns:Subscribe"), "{topic}");
}

#[tokio::test]
async fn policies_that_let_somebody_through_are_told_with_the_name_of_what_has_them() {
    let Some(site) = Site::provisioned().await else { return };
    let role = "arn:aws:iam::123456789012:role/a2a";
    let node = site.serve(&["--instance-roles", role]).await;
    site.becomes([1, 1, 1]).await;
    let healthy = site.run(&["doctor"]).await;
    assert_eq!(healthy.status.code(), Some(0), "{}", text(&healthy.stdout));
    // The topic was made before anybody named the role.
    let said = text(&site.run(&["doctor", "--instance-roles", role]).await.stdout);
    let published = "topic policy  lets through messages published by roles that are no instance's";
    assert!(said.contains(published) && said.contains("ok       queue policy"), "{said}");

    let sns = aws_sdk_sns::Client::new(&site.account.sdk_config(Service::Sns));
    let anybody = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:*","Resource":"*"}]}"#;
    let set = sns.set_topic_attributes().topic_arn(site.topic_arn());
    set.attribute_name("Policy").attribute_value(anybody).send().await.unwrap();
    let sqs = aws_sdk_sqs::Client::new(&site.account.sdk_config(Service::Sqs));
    let [queue] = &site.queues().await[..] else { panic!("one queue") };
    let set = sqs.set_queue_attributes().queue_url(queue);
    set.attributes(QueueAttributeName::Policy, anybody).send().await.unwrap();
    let output = site.run(&["doctor"]).await;
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("subscriptions of other protocols than sqs"), "{said}");
    let id = &node.instances[0].id;
    assert!(said.contains(&format!("{id} lets through messages of other topics and services")), "{said}");
    assert_eq!(said.matches("clear text").count(), 2, "of the topic and of this queue alone: {said}");
    node.terminate().await;
}

#[tokio::test]
async fn without_credentials_or_region_nothing_else_is_tried() {
    let Some(site) = Site::bare() else { return };
    let mut command = site.command(&["doctor", "--table", "tasks"]);
    for name in
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"]
    {
        command.env_remove(name);
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", "/nowhere");
    let output = soon(command.output()).await.unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with("failed   region") && lines[0].contains("set AWS_REGION"), "{said}");
    assert!(lines[1].starts_with("failed   credentials") && lines[1].contains("AWS_PROFILE"), "{said}");
    assert_eq!(lines.len(), 2, "{said}");
}
