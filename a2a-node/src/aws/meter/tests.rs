//! The meter on calls whose answers are known.

use aws_sdk_dynamodb::operation::put_item::PutItemOutput;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput;
use aws_sdk_dynamodb::types::{ConsumedCapacity, Delete, ReturnConsumedCapacity, TransactWriteItem};
use aws_sdk_sns::operation::publish_batch::PublishBatchOutput;
use aws_sdk_sns::types::PublishBatchRequestEntry;
use aws_sdk_sqs::operation::receive_message::ReceiveMessageOutput;
use aws_sdk_sqs::types::Message;
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;

use super::*;

fn capacity(units: f64) -> ConsumedCapacity {
    ConsumedCapacity::builder().capacity_units(units).build()
}

#[tokio::test]
async fn dynamodb_is_asked_for_its_price_and_believed() {
    let put = mock!(aws_sdk_dynamodb::Client::put_item)
        .match_requests(|put| put.return_consumed_capacity() == Some(&ReturnConsumedCapacity::Total))
        .then_output(|| PutItemOutput::builder().consumed_capacity(capacity(3.0)).build());
    let query = mock!(aws_sdk_dynamodb::Client::query)
        .then_output(|| QueryOutput::builder().consumed_capacity(capacity(0.5)).build());
    let transact = mock!(aws_sdk_dynamodb::Client::transact_write_items).then_output(|| {
        TransactWriteItemsOutput::builder()
            .consumed_capacity(capacity(4.0))
            .consumed_capacity(capacity(2.0))
            .build()
    });
    let meter = Meter::default();
    let client =
        mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&put, &query, &transact], |config| config
            .interceptor(meter.clone()));
    client.put_item().table_name("t").send().await.unwrap();
    let before = meter.bill();
    assert_eq!((before.of(Unit::DynamoDbWrite), before.requests_to(Service::DynamoDb)), (3.0, 1));
    for _ in 0..3 {
        client.query().table_name("t").send().await.unwrap();
    }
    client.transact_write_items().send().await.unwrap();
    let since = meter.bill().since(&before);
    assert_eq!((since.of(Unit::DynamoDbRead), since.of(Unit::DynamoDbWrite)), (1.5, 6.0));
    assert_eq!(since.requests_to(Service::DynamoDb), 4);
    assert!(!since.requests.contains_key(&(Service::DynamoDb, "PutItem".to_owned())));
}

#[tokio::test]
async fn a_condition_that_does_not_hold_costs_a_write() {
    let refused = |with: &'static str| {
        let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{with}"}}"#);
        move || HttpResponse::new(400.try_into().unwrap(), SdkBody::from(body.as_str()))
    };
    let put = mock!(aws_sdk_dynamodb::Client::put_item)
        .then_http_response(refused("ConditionalCheckFailedException"));
    let transact = mock!(aws_sdk_dynamodb::Client::transact_write_items)
        .then_http_response(refused("TransactionCanceledException"));
    let meter = Meter::default();
    let client = mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&put, &transact], |config| config
        .interceptor(meter.clone()));
    assert!(client.put_item().table_name("t").send().await.is_err());
    let delete = || {
        let key = aws_sdk_dynamodb::types::AttributeValue::S("k".into());
        let delete = Delete::builder().table_name("t").key("pk", key).build().unwrap();
        TransactWriteItem::builder().delete(delete).build()
    };
    let transaction = client.transact_write_items().transact_items(delete()).transact_items(delete());
    assert!(transaction.send().await.is_err());
    assert_eq!(meter.bill().of(Unit::DynamoDbWrite), 1.0 + 2.0 * 2.0);
}

#[tokio::test]
async fn messages_are_billed_by_64_kb() {
    let publish =
        mock!(aws_sdk_sns::Client::publish_batch).then_output(|| PublishBatchOutput::builder().build());
    let body = "x".repeat(100_000);
    let receive = mock!(aws_sdk_sqs::Client::receive_message).then_output(move || {
        ReceiveMessageOutput::builder().messages(Message::builder().body(&body).build()).build()
    });
    let meter = Meter::default();
    let sns =
        mock_client!(aws_sdk_sns, RuleMode::MatchAny, [&publish], |config| config.interceptor(meter.clone()));
    let sqs =
        mock_client!(aws_sdk_sqs, RuleMode::MatchAny, [&receive], |config| config.interceptor(meter.clone()));
    let entry =
        |id: &str, bytes| PublishBatchRequestEntry::builder().id(id).message("x".repeat(bytes)).build();
    for entries in [vec![10], vec![10, 10, 10], vec![60_000, 10_000]] {
        let entries =
            entries.into_iter().enumerate().map(|(id, bytes)| entry(&id.to_string(), bytes).unwrap());
        let publish =
            sns.publish_batch().topic_arn("t").set_publish_batch_request_entries(Some(entries.collect()));
        publish.send().await.unwrap();
    }
    assert_eq!(meter.bill().of(Unit::SnsRequest), 1.0 + 1.0 + 2.0);
    sqs.receive_message().queue_url("q").send().await.unwrap();
    assert_eq!(meter.bill().of(Unit::SqsRequest), 2.0);
    assert_eq!(meter.bill().requests_to(Service::Sqs), 1);
}
