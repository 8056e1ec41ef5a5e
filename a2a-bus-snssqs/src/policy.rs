//! Who may put messages into a queue, and which messages the topic puts there. Values, never pasted text.

use a2a_core::InstanceId;
use serde_json::{Value, json};

use crate::TopicArn;

/// The message attribute that names the recipients.
pub(crate) const TO: &str = "to";

/// The policy of a queue: the topic may send, and nobody may do anything in clear text.
///
/// Other instances send by the permissions of their own role, which is of the same account.
pub(crate) fn of_queue(topic: &TopicArn, queue_arn: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TheTopicSends",
                "Effect": "Allow",
                "Principal": { "Service": "sns.amazonaws.com" },
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {
                    "ArnEquals": { "aws:SourceArn": topic.to_string() },
                    "StringEquals": { "aws:SourceAccount": topic.account() },
                },
            },
            {
                "Sid": "NothingInClearText",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": queue_arn,
                "Condition": { "Bool": { "aws:SecureTransport": "false" } },
            },
        ],
    })
}

/// The filter of a subscription: messages whose attribute [`TO`] names the instance. It never changes,
/// because SNS takes up to 15 minutes to apply a change.
pub(crate) fn of_subscription(instance: InstanceId) -> Value {
    json!({ TO: [instance.to_string()] })
}

/// The value of the attribute [`TO`]: a `String.Array`, of which SNS matches each element.
pub(crate) fn recipients(to: &[InstanceId]) -> String {
    Value::from_iter(to.iter().map(InstanceId::to_string)).to_string()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_the_topic_of_the_account_may_send_and_only_over_tls() {
        let topic: TopicArn = "arn:aws:sns:us-east-1:123456789012:a2a".parse().unwrap();
        let policy = of_queue(&topic, "arn:aws:sqs:us-east-1:123456789012:q");
        let statements = policy["Statement"].as_array().unwrap();
        let allowed: Vec<_> = statements.iter().filter(|one| one["Effect"] == "Allow").collect();
        assert_eq!(allowed.len(), 1);
        assert_eq!(allowed[0]["Principal"], json!({ "Service": "sns.amazonaws.com" }));
        assert_eq!(allowed[0]["Condition"]["ArnEquals"]["aws:SourceArn"], topic.to_string());
        assert_eq!(allowed[0]["Condition"]["StringEquals"]["aws:SourceAccount"], "123456789012");
        let denied = statements.iter().find(|one| one["Effect"] == "Deny").unwrap();
        assert_eq!(denied["Condition"]["Bool"]["aws:SecureTransport"], "false");
        assert!(statements.iter().all(|one| one["Resource"] == "arn:aws:sqs:us-east-1:123456789012:q"));
    }

    #[test]
    fn the_attribute_and_the_filter_use_the_same_form() {
        let (one, two) =
            (InstanceId::from_uuid(Uuid::from_u128(1)), InstanceId::from_uuid(Uuid::from_u128(2)));
        let sent: Vec<String> = serde_json::from_str(&recipients(&[one, two])).unwrap();
        assert_eq!(of_subscription(two)[TO][0], sent[1].as_str());
    }
}
