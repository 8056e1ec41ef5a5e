//! The policy of a queue: the topic sends, instances send and receive, and nobody else does anything.

use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::TopicArn;

/// The whole policy. Instances send by the permissions of their own role, which is of the same account; `roles` names theirs, where they are known.
pub(crate) fn policy(topic: &TopicArn, roles: &[String], queue_arn: &str) -> Value {
    let mut statements = vec![json!({
        "Sid": "TheTopicSends",
        "Effect": "Allow",
        "Principal": { "Service": "sns.amazonaws.com" },
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {
            "ArnEquals": { "aws:SourceArn": topic.to_string() },
            "StringEquals": { "aws:SourceAccount": topic.account() },
        },
    })];
    statements.extend(refusals(topic, roles).iter().map(|refusal| refusal.statement(queue_arn)));
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// What it refuses.
pub(crate) fn refusals(topic: &TopicArn, roles: &[String]) -> Vec<Refusal> {
    let mut refusals = vec![
        Refusal {
            sid: "NothingInClearText",
            without: "requests in clear text",
            actions: &["sqs:*"],
            condition: json!({ "Bool": { "aws:SecureTransport": "false" } }),
        },
        Refusal {
            sid: "OnlyThisAccount",
            without: "requests of other accounts",
            actions: &["sqs:*"],
            condition: json!({
                "StringNotEquals": { "aws:PrincipalAccount": topic.account() },
                "Bool": { "aws:PrincipalIsAWSService": "false" },
            }),
        },
        Refusal {
            sid: "OnlyThisTopic",
            without: "messages of other topics and services",
            actions: &["sqs:SendMessage"],
            condition: json!({
                "ArnNotEquals": { "aws:SourceArn": topic.to_string() },
                "Bool": { "aws:PrincipalIsAWSService": "true" },
            }),
        },
    ];
    if !roles.is_empty() {
        refusals.push(Refusal {
            sid: "OnlyInstances",
            without: "messages sent or received by roles that are no instance's",
            actions: &["sqs:SendMessage", "sqs:ReceiveMessage"],
            condition: json!({
                "ArnNotLike": { "aws:PrincipalArn": roles },
                "Bool": { "aws:PrincipalIsAWSService": "false" },
            }),
        });
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:q";
    const ROLE: &str = "arn:aws:iam::123456789012:role/a2a-runtime";

    #[test]
    fn only_the_topic_of_the_account_is_let_in_and_the_rest_refused() {
        let topic: TopicArn = "arn:aws:sns:us-east-1:123456789012:a2a".parse().unwrap();
        for roles in [&[][..], &[ROLE.to_owned()]] {
            let policy = policy(&topic, roles, QUEUE);
            let statements = policy["Statement"].as_array().unwrap();
            let allowed: Vec<_> = statements.iter().filter(|one| one["Effect"] == "Allow").collect();
            assert_eq!(allowed.len(), 1);
            assert_eq!(allowed[0]["Principal"], json!({ "Service": "sns.amazonaws.com" }));
            assert_eq!(allowed[0]["Condition"]["ArnEquals"]["aws:SourceArn"], topic.to_string());
            assert_eq!(allowed[0]["Condition"]["StringEquals"]["aws:SourceAccount"], "123456789012");
            assert!(statements.iter().all(|one| one["Resource"] == QUEUE));
            assert_eq!(statements.len(), 4 + roles.len());
            assert!(refusals(&topic, roles).iter().all(|refusal| refusal.is_in(&policy, QUEUE)));
        }
    }

    #[test]
    fn a_policy_that_names_no_roles_lacks_that() {
        let topic: TopicArn = "arn:aws:sns:us-east-1:123456789012:a2a".parse().unwrap();
        let policy = policy(&topic, &[], QUEUE);
        let roles = [ROLE.to_owned()];
        let lacks: Vec<_> = refusals(&topic, &roles);
        let lacks: Vec<_> = lacks.iter().filter(|refusal| !refusal.is_in(&policy, QUEUE)).collect();
        assert_eq!(lacks.iter().map(|refusal| refusal.sid).collect::<Vec<_>>(), ["OnlyInstances"]);
    }
}
