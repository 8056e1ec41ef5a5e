use serde_json::json;

use super::*;

fn call(service: Service, operation: &str) -> Call {
    Call { service, operation: operation.to_owned() }
}

fn forbidden(call: &Call, allowed: &[&str], body: impl Into<Bytes>) -> Option<String> {
    let allowed: Vec<String> = allowed.iter().map(|&action| action.to_owned()).collect();
    call.forbidden(&allowed, &body.into())
}

#[test]
fn patterns_are_those_of_iam() {
    for pattern in ["*", "sqs:*", "sqs:Send*", "SQS:sendmessage", "sqs:SendMessag?", "s*:*Message"] {
        assert!(matches(pattern, "sqs:SendMessage"), "{pattern}");
    }
    for pattern in ["", "sns:*", "sqs:Send", "sqs:SendMessage?", "SendMessage"] {
        assert!(!matches(pattern, "sqs:SendMessage"), "{pattern}");
    }
}

#[test]
fn a_batch_needs_what_a_message_needs() {
    let batch = call(Service::Sqs, "SendMessageBatch");
    assert_eq!(forbidden(&batch, &["sqs:SendMessage"], ""), None);
    assert_eq!(forbidden(&batch, &["sqs:SendMessageBatch"], "").as_deref(), Some("sqs:SendMessage"));
    assert_eq!(forbidden(&call(Service::Sns, "PublishBatch"), &["sns:Publish"], ""), None);
    let write = call(Service::DynamoDb, "BatchWriteItem");
    assert_eq!(forbidden(&write, &["dynamodb:PutItem"], "").as_deref(), Some("dynamodb:BatchWriteItem"));
}

#[test]
fn a_transaction_needs_what_its_parts_need() {
    let write = call(Service::DynamoDb, "TransactWriteItems");
    let body = json!({"TransactItems": [{"Put": {}}, {"ConditionCheck": {}}]}).to_string();
    let missing = forbidden(&write, &["dynamodb:PutItem", "dynamodb:TransactWriteItems"], body.clone());
    assert_eq!(missing.as_deref(), Some("dynamodb:ConditionCheckItem"));
    assert_eq!(forbidden(&write, &["dynamodb:PutItem", "dynamodb:ConditionCheckItem"], body), None);
}

#[test]
fn tags_at_creation_need_their_own_permission() {
    let create = call(Service::Sqs, "CreateQueue");
    let tagged = json!({"QueueName": "q", "tags": {"a": "b"}}).to_string();
    assert_eq!(forbidden(&create, &["sqs:CreateQueue"], tagged).as_deref(), Some("sqs:TagQueue"));
    assert_eq!(forbidden(&create, &["sqs:CreateQueue"], r#"{"QueueName": "q"}"#), None);
    let topic = call(Service::Sns, "CreateTopic");
    let missing = forbidden(&topic, &["sns:CreateTopic"], "Action=CreateTopic&Tags.member.1.Key=a");
    assert_eq!(missing.as_deref(), Some("sns:TagResource"));
}

#[test]
fn operations_are_named_with_their_service_or_without() {
    let publish = call(Service::Sns, "Publish");
    for named in ["Publish", "sns:Publish", "sns:*"] {
        assert!(publish.is_meant(&[named.to_owned()]), "{named}");
    }
    assert!(publish.is_meant(&[]));
    assert!(!publish.is_meant(&["sqs:*".to_owned(), "PublishBatch".to_owned()]));
}
