//! The policy of the topic: it allows nothing, for roles do, and refuses what no role should be able to.

use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::TopicArn;

/// The whole policy. `roles` names those of the instances, where they are known.
pub(crate) fn policy(topic: &TopicArn, roles: &[String]) -> Value {
    let arn = topic.to_string();
    let statements: Vec<_> = refusals(topic, roles).iter().map(|refusal| refusal.statement(&arn)).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// What it refuses.
pub(crate) fn refusals(topic: &TopicArn, roles: &[String]) -> Vec<Refusal> {
    let mut refusals = vec![
        Refusal {
            sid: "NothingInClearText",
            without: "requests in clear text",
            actions: &["sns:Publish", "sns:Subscribe"],
            condition: json!({ "Bool": { "aws:SecureTransport": "false" } }),
        },
        Refusal {
            sid: "OnlyThisAccount",
            without: "requests of other accounts",
            actions: &["sns:Publish", "sns:Subscribe"],
            condition: json!({ "StringNotEquals": { "aws:PrincipalAccount": topic.account() } }),
        },
        Refusal {
            sid: "OnlyQueues",
            without: "subscriptions of other protocols than sqs",
            actions: &["sns:Subscribe"],
            condition: json!({ "StringNotEquals": { "sns:Protocol": "sqs" } }),
        },
        // Whoever has a role of an instance, by theft too, gets no copy of what is published into a queue of another name.
        Refusal {
            sid: "OnlyQueuesOfInstances",
            without: "subscriptions of queues that are no instance's",
            actions: &["sns:Subscribe"],
            condition: json!({ "StringNotLike": { "sns:Endpoint": topic.queue_arns() } }),
        },
    ];
    if !roles.is_empty() {
        refusals.push(Refusal {
            sid: "OnlyInstancesPublish",
            without: "messages published by roles that are no instance's",
            actions: &["sns:Publish"],
            condition: json!({ "ArnNotLike": { "aws:PrincipalArn": roles } }),
        });
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_allows_nothing_and_names_who_may_be_subscribed() {
        let topic: TopicArn = "arn:aws-cn:sns:cn-north-1:123456789012:a2a".parse().unwrap();
        let policy = policy(&topic, &["arn:aws-cn:iam::123456789012:role/x".to_owned()]);
        let statements = policy["Statement"].as_array().unwrap();
        assert_eq!(statements.len(), 5);
        assert!(statements.iter().all(|one| one["Effect"] == "Deny" && one["Resource"] == topic.to_string()));
        let endpoints = &statements[3]["Condition"]["StringNotLike"]["sns:Endpoint"];
        let mask = "a2a-????????-????-????-????-????????????";
        assert_eq!(endpoints, &format!("arn:aws-cn:sqs:cn-north-1:123456789012:{mask}"));
    }
}
