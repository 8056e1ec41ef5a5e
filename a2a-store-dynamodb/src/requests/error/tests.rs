//! The table of failures, with the SDK's own errors and with answers as they come over the wire.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::error::{
    ProvisionedThroughputExceededException, ResourceNotFoundException, ThrottlingException,
    TransactionCanceledException, TransactionConflictException, TransactionInProgressException,
};
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_mocks::{RuleMode, mock, mock_client};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

use super::*;
use crate::DynamoDbConfig;
use crate::items::attributes::Item;
use crate::requests::calls::{Calls, Transacted, Written};

mod denied;

const SECRET: &str = "a-secret-of-the-task";

/// What a caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Unavailable,
    Indeterminate,
    Rejected,
    TooLarge,
}

fn kind(error: &BackendError) -> Told {
    // Neither the message nor what `{:?}` shows of the whole chain may hold content.
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    match error {
        BackendError::Unavailable(_) => Told::Unavailable,
        BackendError::Indeterminate(_) => Told::Indeterminate,
        BackendError::Rejected { .. } => Told::Rejected,
        BackendError::TooLarge { .. } => Told::TooLarge,
        other => panic!("{other:?}"),
    }
}

fn calls(client: Client, attempts: u32) -> Calls {
    Calls::new(client, "t", &DynamoDbConfig::default().attempts(attempts))
}

/// A client that gets this answer to every request, after an answer to the first one where it `served` before.
fn answering(served: bool, status: u16, code: &str, message: &str) -> Client {
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"{message}"}}"#);
    let request = || http::Request::builder().uri("http://x/").body(SdkBody::empty()).unwrap();
    let answer = |status, body: &str| {
        let answer = http::Response::builder().status(status).body(SdkBody::from(body)).unwrap();
        ReplayEvent::new(request(), answer)
    };
    let first = served.then(|| answer(200, "{}"));
    let events = first.into_iter().chain((0..10).map(|_| answer(status, &body))).collect();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("a", "s", None, None, "test"))
        .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
        .http_client(StaticReplayClient::new(events))
        .build();
    Client::from_conf(config)
}

#[tokio::test(start_paused = true)]
async fn every_code_tells_what_to_do_next() {
    use Told::*;
    let table = [
        // Code, message, what a writer and what a reader is told.
        (400, "ProvisionedThroughputExceededException", "", Unavailable, Unavailable),
        (400, "ThrottlingException", "", Unavailable, Unavailable),
        (400, "RequestLimitExceeded", "", Unavailable, Unavailable),
        (400, "LimitExceededException", "", Unavailable, Unavailable),
        (400, "TransactionConflictException", "", Unavailable, Unavailable),
        (400, "ReplicatedWriteConflictException", "", Unavailable, Unavailable),
        (400, "ValidationException", "a-secret-of-the-task is not a number", Rejected, Rejected),
        (400, "ValidationException", "Item size has exceeded the maximum allowed size", TooLarge, TooLarge),
        (413, "RequestEntityTooLarge", "", TooLarge, TooLarge),
        (400, "SerializationException", "", Rejected, Rejected),
        (400, "ItemCollectionSizeLimitExceededException", "", Rejected, Rejected),
        (500, "InternalServerError", "", Indeterminate, Unavailable),
        (503, "ServiceUnavailable", "", Indeterminate, Unavailable),
        (400, "TransactionInProgressException", "", Indeterminate, Unavailable),
        (400, "SomethingNewException", "a-secret-of-the-task", Indeterminate, Unavailable),
    ];
    for (status, code, message, writer, reader) in table {
        for served in [false, true] {
            let calls = calls(answering(served, status, code, message), 2);
            if served {
                assert_eq!(calls.get("p", "s").await.unwrap(), None);
            }
            let error = calls.send_put(calls.put(Item::new())).await.unwrap_err();
            assert_eq!(kind(&error), writer, "of a put that fails with {code}: {error:?}");
            let error = calls.get("p", "s").await.unwrap_err();
            assert_eq!(kind(&error), reader, "of a get that fails with {code}: {error:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_none_is_indeterminate_to_a_writer() {
    let calls = calls(answering(true, 200, "", ""), 1);
    // An answer that is no answer to this request: an empty success is one, so a body that is no JSON.
    let request = http::Request::builder().uri("http://x/").body(SdkBody::empty()).unwrap();
    let answer = http::Response::builder().status(200).body(SdkBody::from("<html>")).unwrap();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("a", "s", None, None, "test"))
        .http_client(StaticReplayClient::new(vec![ReplayEvent::new(request, answer)]))
        .build();
    let garbled = self::calls(Client::from_conf(config), 1);
    let error = garbled.send_put(garbled.put(Item::new())).await.unwrap_err();
    assert_eq!(kind(&error), Told::Indeterminate);
    assert!(matches!(calls.send_put(calls.put(Item::new())).await, Ok(Written::Done)));
}

#[test]
fn what_the_network_did_is_judged_by_what_may_have_been_sent() {
    type Error = SdkError<PutItemError, HttpResponse>;
    let connector = |error: ConnectorError| Error::dispatch_failure(error);
    assert_eq!(judge(&Error::construction_failure("no region")), Verdict::Refused);
    assert_eq!(judge(&Error::timeout_error("slow")), Verdict::Doubtful);
    assert_eq!(judge(&connector(ConnectorError::timeout("slow".into()))), Verdict::Doubtful);
    assert_eq!(judge(&connector(ConnectorError::io("reset".into()))), Verdict::Doubtful);
    assert_eq!(judge(&connector(ConnectorError::other("?".into(), None))), Verdict::Doubtful);
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    assert_eq!(
        judge(&connector(ConnectorError::io(refused.into()))),
        Verdict::Passing(Trouble::Away),
        "nobody listened"
    );
    let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    assert_eq!(judge(&connector(ConnectorError::io(reset.into()))), Verdict::Doubtful);
    assert_eq!(judge(&connector(ConnectorError::user("bad uri".into()))), Verdict::Refused);
}

fn coded(code: &str) -> ErrorMetadata {
    ErrorMetadata::builder().code(code).build()
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_throttled_is_sent_again_and_succeeds() {
    let rule = mock!(Client::put_item)
        .sequence()
        .error(|| {
            let error = ThrottlingException::builder().meta(coded("ThrottlingException")).build();
            PutItemError::ThrottlingException(error)
        })
        .error(|| {
            let error = TransactionConflictException::builder().meta(coded("TransactionConflictException"));
            PutItemError::TransactionConflictException(error.build())
        })
        .output(|| aws_sdk_dynamodb::operation::put_item::PutItemOutput::builder().build())
        .build();
    let calls = calls(mock_client!(aws_sdk_dynamodb, [&rule]), 5);
    assert!(matches!(calls.send_put(calls.put(Item::new())).await, Ok(Written::Done)));
    assert_eq!(rule.num_calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn throttling_after_a_lost_answer_does_not_mean_that_nothing_was_applied() {
    let rule = mock!(Client::put_item)
        .sequence()
        .http_status(500, None)
        .error(|| {
            let error = ProvisionedThroughputExceededException::builder();
            let error = error.meta(coded("ProvisionedThroughputExceededException"));
            PutItemError::ProvisionedThroughputExceededException(error.build())
        })
        .repeatedly()
        .build();
    let calls = calls(mock_client!(aws_sdk_dynamodb, RuleMode::Sequential, [&rule]), 4);
    let error = calls.send_put(calls.put(Item::new())).await.unwrap_err();
    assert_eq!(kind(&error), Told::Indeterminate);
    assert_eq!(rule.num_calls(), 4);
}

#[tokio::test]
async fn a_missing_table_is_rejected_at_once() {
    let rule = mock!(Client::get_item).then_error(|| {
        let error = ResourceNotFoundException::builder().meta(coded("ResourceNotFoundException")).build();
        GetItemError::ResourceNotFoundException(error)
    });
    let calls = calls(mock_client!(aws_sdk_dynamodb, [&rule]), 5);
    assert_eq!(kind(&calls.get("p", "s").await.unwrap_err()), Told::Rejected);
    assert_eq!(rule.num_calls(), 1);
}

fn cancelled(codes: &[&str]) -> TransactWriteItemsError {
    let reasons = codes.iter().map(|code| {
        let item = Item::from([("d".to_owned(), crate::items::attributes::text(SECRET))]);
        CancellationReason::builder().code(*code).message(SECRET).set_item(Some(item)).build()
    });
    let error = TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons.collect()));
    let meta = ErrorMetadata::builder().code("TransactionCanceledException").message(SECRET).build();
    TransactWriteItemsError::TransactionCanceledException(error.meta(meta).build())
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_transaction_is_judged_by_its_reasons() {
    let table = [
        (["None", "TransactionConflict"], Told::Unavailable, 3),
        (["ThrottlingError", "None"], Told::Unavailable, 3),
        (["ProvisionedThroughputExceeded", "None"], Told::Unavailable, 3),
        (["SomethingNew", "None"], Told::Unavailable, 3),
        (["None", "ValidationError"], Told::Rejected, 1),
        (["ItemCollectionSizeLimitExceeded", "None"], Told::Rejected, 1),
        // What never succeeds is never sent again, whatever else went wrong.
        (["TransactionConflict", "ValidationError"], Told::Rejected, 1),
    ];
    for (codes, told, sent) in table {
        let rule = mock!(Client::transact_write_items)
            .sequence()
            .error(move || cancelled(&codes))
            .repeatedly()
            .build();
        let calls = calls(mock_client!(aws_sdk_dynamodb, [&rule]), 3);
        let error = calls.transact(Vec::new()).await.unwrap_err();
        assert_eq!((kind(&error), rule.num_calls()), (told, sent), "of {codes:?}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_condition_of_a_transaction_that_fails_is_a_lost_race_and_no_error() {
    for codes in [["ConditionalCheckFailed", "None"], ["ConditionalCheckFailed", "TransactionConflict"]] {
        let rule = mock!(Client::transact_write_items).then_error(move || cancelled(&codes));
        let calls = calls(mock_client!(aws_sdk_dynamodb, [&rule]), 3);
        let outcome = calls.transact(Vec::new()).await.unwrap();
        assert!(matches!(outcome, Transacted::Unmet(items) if items.len() == 2));
        assert_eq!(rule.num_calls(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_in_progress_is_in_doubt() {
    let in_progress = || {
        let error = TransactionInProgressException::builder().meta(coded("TransactionInProgressException"));
        TransactWriteItemsError::TransactionInProgressException(error.build())
    };
    let rule = mock!(Client::transact_write_items).sequence().error(in_progress).repeatedly().build();
    let calls = calls(mock_client!(aws_sdk_dynamodb, [&rule]), 2);
    assert_eq!(kind(&calls.transact(Vec::new()).await.unwrap_err()), Told::Indeterminate);
}
