//! What operators are told whose role lacks a permission.

use std::process::Output;

use futures::stream::{self, StreamExt};
use serde_json::Value;

use super::denying_proxy::DenyingProxy;
use super::site::Site;
use crate::node::{soon, text};

async fn without(action: &'static str, site: &Site, arguments: &[&str]) -> Output {
    let denying_proxy = DenyingProxy::denying(action, &site.account).await;
    let mut command = site.command(arguments);
    soon(command.envs(denying_proxy.account.environment()).output()).await.unwrap()
}

#[tokio::test]
async fn doctor_names_the_permission_that_is_missing_and_the_check_that_needs_it() {
    let Some(site) = Site::provisioned().await else { return };
    let table: [(&str, &str, &str); 9] = [
        ("dynamodb:DescribeTable", "table", "dynamodb:DescribeTable"),
        ("dynamodb:DescribeTimeToLive", "table", "dynamodb:DescribeTimeToLive"),
        ("dynamodb:PutItem", "table access", "dynamodb:PutItem: AccessDeniedException"),
        ("dynamodb:BatchGetItem", "table access", "dynamodb:BatchGetItem: AccessDeniedException"),
        ("sqs:CreateQueue", "queue", "sqs:CreateQueue"),
        ("sqs:SendMessage", "queue", "SendMessage, ReceiveMessage"),
        ("sns:Publish", "topic", "sns:Publish"),
        ("sqs:DeleteQueue", "clean-up", "sqs:DeleteQueue"),
        ("sns:ListSubscriptionsByTopic", "clean-up", "sns:ListSubscriptionsByTopic"),
    ];
    let checks = table.map(|(denied, check, advice)| {
        let site = &site;
        async move {
            let output = without(denied, site, &["doctor", "--json"]).await;
            assert_eq!(output.status.code(), Some(1), "{denied}");
            let said = text(&output.stdout);
            let findings = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let failed: Vec<_> = findings.filter(|finding| finding["verdict"] == "failed").collect();
            assert_eq!(failed.len(), 1, "{denied}: {said}");
            assert_eq!(failed[0]["check"], check, "{denied}: {said}");
            let told = format!("{}; {}", failed[0]["detail"], failed[0]["whatToDo"]);
            assert!(told.contains(advice) && told.contains("is not authorized"), "{denied}: {said}");
        }
    });
    // Each waits for messages; more at once would wait for a processor.
    Box::pin(stream::iter(checks).buffer_unordered(3).collect::<()>()).await;
}

#[tokio::test]
async fn provision_says_what_it_may_not_do_and_prints_no_settings() {
    let Some(site) = Site::bare() else { return };
    let names = ["provision", "--table", &site.table, "--topic", &site.topic];
    for denied in ["dynamodb:DescribeTable", "dynamodb:CreateTable", "sns:CreateTopic"] {
        let output = without(denied, &site, &names).await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{denied}: {said}");
        assert!(said.contains(&format!("is not authorized to perform: {denied}")), "{denied}: {said}");
        assert!(output.stdout.is_empty(), "{denied}: {}", text(&output.stdout));
    }
}
