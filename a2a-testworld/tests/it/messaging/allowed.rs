//! Only some actions are allowed, as by a policy of IAM.

use a2a_testworld::weather::Weather;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;

use super::place::{Place, code, publish};
use crate::place::{TABLE, item};

#[tokio::test(start_paused = true)]
async fn what_is_not_allowed_is_denied_by_name() {
    let Some(place) = Place::new().await else { return };
    let (topic, queue) = (place.topic().await, place.queue("queue").await);
    place.proxy.set(Weather::clear().allow_only(["sqs:SendMessage", "sns:Get*"]));
    place.sqs.send_message().queue_url(&queue).message_body("text").send().await.unwrap();
    let entry = SendMessageBatchRequestEntry::builder().id("1").message_body("text").build().unwrap();
    place.sqs.send_message_batch().queue_url(&queue).entries(entry).send().await.unwrap();
    let denied = place.sqs.receive_message().queue_url(&queue).send().await.unwrap_err();
    assert_eq!(code(&denied).as_deref(), Some("AccessDenied"));
    assert!(denied.message().unwrap().contains("sqs:ReceiveMessage"));
    place.sns.get_topic_attributes().topic_arn(&topic).send().await.unwrap();
    let denied = publish(&place.sns, &topic, "text", "a").send().await.unwrap_err().into_service_error();
    assert!(denied.is_authorization_error_exception());
    assert!(denied.message().unwrap().contains("sns:Publish"));
    assert_eq!(place.counts().operation("Publish").refused, 1);
}

#[tokio::test(start_paused = true)]
async fn tags_of_a_new_queue_need_a_permission_of_their_own() {
    let Some(place) = Place::new().await else { return };
    place.proxy.set(Weather::clear().allow_only(["sqs:CreateQueue"]));
    place.sqs.create_queue().queue_name("plain").send().await.unwrap();
    let tagged = || place.sqs.create_queue().queue_name("tagged").tags("a", "b").send();
    let denied = tagged().await.unwrap_err();
    assert!(denied.message().unwrap().contains("sqs:TagQueue"));
    place.proxy.set(Weather::clear().allow_only(["sqs:CreateQueue", "sqs:TagQueue"]));
    tagged().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn permissions_hold_for_tables_too() {
    let place = crate::place::Place::new().await;
    place.proxy.set(Weather::clear().allow_only(["dynamodb:GetItem", "dynamodb:PutItem"]));
    place.put(item("p", "1", &[])).await.unwrap();
    let denied = place.client.describe_table().table_name(TABLE).send().await.unwrap_err();
    assert_eq!(denied.code(), Some("AccessDeniedException"));
    assert!(denied.message().unwrap().contains("dynamodb:DescribeTable"));
    place.proxy.set(Weather::clear().allow_only(["dynamodb:*"]));
    place.client.describe_table().table_name(TABLE).send().await.unwrap();
}
