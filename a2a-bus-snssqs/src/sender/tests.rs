//! The wire form of requests, and what becomes of each entry when some or all fail.

use a2a_core::wire::Seal;
use a2a_core::{BusMessage, News, Reach, Recipient, TaskKey, Tenant};
use aws_sdk_sns::operation::publish_batch::PublishBatchOutput;
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchError, SendMessageBatchOutput};
use aws_sdk_sqs::types::BatchResultErrorEntry as QueueError;
use aws_sdk_sqs::types::error::QueueDoesNotExist;
use aws_smithy_http_client::test_util::capture_request;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use aws_smithy_types::error::ErrorMetadata;
use uuid::Uuid;

use super::*;
use crate::encoded::encode;

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:a2a";

fn instance(n: u128) -> InstanceId {
    InstanceId::from_uuid(Uuid::from_u128(n))
}

fn messages(count: usize, to: &[InstanceId]) -> Vec<EncodedMessage> {
    let by_topic = |instance: &InstanceId| Recipient { instance: *instance, reach: Reach::Topic };
    let to: Vec<_> = to.iter().map(by_topic).collect();
    let message = |n: usize| {
        let task = TaskKey::new(Tenant::default(), format!("task-{n}"));
        let message = BusMessage { from: instance(1), task, news: News::Unwatch, trace: None };
        encode(&to, &message, &Seal::open()).unwrap().remove(0)
    };
    (0..count).map(message).collect()
}

fn sender(clients: Clients) -> Sender {
    Sender::new(clients, TOPIC.parse().unwrap(), Duration::from_secs(5))
}

fn over_sqs(rules: &[&Rule]) -> Sender {
    let sqs = mock_client!(aws_sdk_sqs, RuleMode::Sequential, rules);
    sender(Clients { sns: mock_client!(aws_sdk_sns, []), sqs })
}

fn over_sns(rules: &[&Rule]) -> Sender {
    let sns = mock_client!(aws_sdk_sns, RuleMode::Sequential, rules);
    sender(Clients { sns, sqs: mock_client!(aws_sdk_sqs, []) })
}

fn sent(failed: &[(usize, &str)]) -> SendMessageBatchOutput {
    let entry = |(id, code): &(usize, &str)| {
        QueueError::builder().id(id.to_string()).code(*code).sender_fault(false).build().unwrap()
    };
    let failed = failed.iter().map(entry).collect();
    SendMessageBatchOutput::builder()
        .set_successful(Some(Vec::new()))
        .set_failed(Some(failed))
        .build()
        .unwrap()
}

fn verdicts(outcomes: &[Result<SendOutcome, Failure>]) -> Vec<Result<SendOutcome, Verdict>> {
    outcomes.iter().map(|outcome| outcome.as_ref().copied().map_err(|failure| failure.verdict)).collect()
}

#[tokio::test]
async fn entries_that_failed_are_sent_again_one_by_one() {
    let batch = mock!(aws_sdk_sqs::Client::send_message_batch)
        .match_requests(|request| request.entries().len() == 4)
        .then_output(|| sent(&[(1, "InternalError"), (3, "InternalError")]));
    let second = mock!(aws_sdk_sqs::Client::send_message_batch)
        .match_requests(|request| {
            request.entries().len() == 1 && request.entries()[0].message_body().contains("task-1")
        })
        .then_output(|| sent(&[]));
    let fourth = mock!(aws_sdk_sqs::Client::send_message_batch)
        .match_requests(|request| {
            request.entries().len() == 1 && request.entries()[0].message_body().contains("task-3")
        })
        .then_output(|| sent(&[(0, "InternalError")]));
    let sender = over_sqs(&[&batch, &second, &fourth]);
    let outcomes = sender.send_batch(Route::Queue(instance(2)), &messages(4, &[instance(2)])).await;
    let ok = Ok(SendOutcome::Sent);
    assert_eq!(verdicts(&outcomes), [ok, ok, ok, Err(Verdict::Indeterminate)]);
    assert_eq!((batch.num_calls(), second.num_calls(), fourth.num_calls()), (1, 1, 1));
}

#[tokio::test]
async fn one_bad_parcel_does_not_fail_the_others() {
    let rejected = || {
        let metadata = ErrorMetadata::builder().code("InvalidMessageContents").build();
        SendMessageBatchError::generic(metadata)
    };
    let whole = mock!(aws_sdk_sqs::Client::send_message_batch)
        .match_requests(|request| request.entries().len() == 3)
        .then_error(rejected);
    let good = mock!(aws_sdk_sqs::Client::send_message_batch).then_output(|| sent(&[]));
    let bad = mock!(aws_sdk_sqs::Client::send_message_batch).then_error(rejected);
    let last = mock!(aws_sdk_sqs::Client::send_message_batch).then_output(|| sent(&[]));
    let sender = over_sqs(&[&whole, &good, &bad, &last]);
    let outcomes = sender.send_batch(Route::Queue(instance(2)), &messages(3, &[instance(2)])).await;
    assert_eq!(verdicts(&outcomes), [Ok(SendOutcome::Sent), Err(Verdict::Rejected), Ok(SendOutcome::Sent)]);
}

#[tokio::test]
async fn a_throttled_request_is_not_multiplied() {
    let throttled = mock!(aws_sdk_sqs::Client::send_message_batch)
        .match_requests(|request| request.entries().len() == 3)
        .then_error(|| {
            SendMessageBatchError::generic(ErrorMetadata::builder().code("RequestThrottled").build())
        });
    let outcomes =
        over_sqs(&[&throttled]).send_batch(Route::Queue(instance(2)), &messages(3, &[instance(2)])).await;
    assert_eq!(verdicts(&outcomes), [Err(Verdict::Unavailable); 3]);
    assert_eq!(throttled.num_calls(), 3, "the client's own attempts and no others");
}

#[tokio::test]
async fn a_lone_parcel_that_is_rejected_is_not_sent_again() {
    let rejected =
        mock!(aws_sdk_sqs::Client::send_message_batch).then_output(|| sent(&[(0, "InvalidMessageContents")]));
    let outcomes =
        over_sqs(&[&rejected]).send_batch(Route::Queue(instance(2)), &messages(1, &[instance(2)])).await;
    assert_eq!(verdicts(&outcomes), [Err(Verdict::Rejected)]);
}

#[tokio::test]
async fn a_queue_that_is_gone_is_reported_for_every_parcel() {
    let gone = mock!(aws_sdk_sqs::Client::send_message_batch)
        .then_error(|| SendMessageBatchError::QueueDoesNotExist(QueueDoesNotExist::builder().build()));
    let outcomes =
        over_sqs(&[&gone]).send_batch(Route::Queue(instance(2)), &messages(2, &[instance(2)])).await;
    assert_eq!(verdicts(&outcomes), [Ok(SendOutcome::Gone(instance(2))); 2]);
}

#[tokio::test]
async fn failed_entries_of_a_publish_are_published_again_one_by_one() {
    use aws_sdk_sns::types::BatchResultErrorEntry as TopicError;
    let half = mock!(aws_sdk_sns::Client::publish_batch).then_output(|| {
        let failed = TopicError::builder().id("0").code("Throttled").sender_fault(false).build().unwrap();
        PublishBatchOutput::builder().failed(failed).build()
    });
    let again = mock!(aws_sdk_sns::Client::publish_batch)
        .match_requests(|request| request.publish_batch_request_entries().len() == 1)
        .then_output(|| PublishBatchOutput::builder().build());
    let outcomes =
        over_sns(&[&half, &again]).send_batch(Route::Topic, &messages(2, &[instance(2), instance(3)])).await;
    assert_eq!(verdicts(&outcomes), [Ok(SendOutcome::Sent); 2]);
}

#[tokio::test]
async fn a_publish_names_its_recipients_in_a_string_array() {
    let (http, request) = capture_request(None);
    let config = aws_sdk_sns::Config::builder().with_test_defaults().http_client(http);
    let config = config.region(aws_sdk_sns::config::Region::new("us-east-1"));
    let sns = aws_sdk_sns::Client::from_conf(config.build());
    let sender = sender(Clients { sns, sqs: mock_client!(aws_sdk_sqs, []) });
    let messages = messages(1, &[instance(2), instance(3)]);
    let _ = sender.send_batch(Route::Topic, &messages).await;

    let sent = request.expect_request();
    let form: Vec<(String, String)> = form(std::str::from_utf8(sent.body().bytes().unwrap()).unwrap());
    let field = |name: &str| {
        let name = format!("PublishBatchRequestEntries.member.1.{name}");
        form.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).unwrap()
    };
    assert_eq!(field("Message"), *messages[0].body);
    assert_eq!(field("MessageAttributes.entry.1.Name"), "to");
    assert_eq!(field("MessageAttributes.entry.1.Value.DataType"), "String.Array");
    let to: Vec<String> =
        serde_json::from_str(&field("MessageAttributes.entry.1.Value.StringValue")).unwrap();
    assert_eq!(to, [instance(2).to_string(), instance(3).to_string()]);
    assert!(form.contains(&("TopicArn".to_owned(), TOPIC.to_owned())));
}

#[tokio::test]
async fn a_direct_message_goes_to_the_queue_named_after_its_recipient() {
    let (http, request) = capture_request(None);
    let config = aws_sdk_sqs::Config::builder().with_test_defaults().http_client(http);
    let config = config.region(aws_sdk_sqs::config::Region::new("us-east-1"));
    let sqs = aws_sdk_sqs::Client::from_conf(config.build());
    let sender = sender(Clients { sns: mock_client!(aws_sdk_sns, []), sqs });
    let messages = messages(2, &[instance(2)]);
    let _ = sender.send_batch(Route::Queue(instance(2)), &messages).await;

    let sent = request.expect_request();
    let body: serde_json::Value = serde_json::from_slice(sent.body().bytes().unwrap()).unwrap();
    let url = format!("https://sqs.us-east-1.amazonaws.com/123456789012/a2a-{}", instance(2));
    assert_eq!(body["QueueUrl"], url);
    assert_eq!(body["Entries"][1]["Id"], "1");
    assert_eq!(body["Entries"][1]["MessageBody"], *messages[1].body);
    assert!(body["Entries"][1].get("MessageAttributes").is_none());
}

/// Reads an `application/x-www-form-urlencoded` body.
fn form(body: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'+' => b' ',
                b'%' => {
                    let digits = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                }
                byte => byte,
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    body.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (decode(k), decode(v))).collect()
}
