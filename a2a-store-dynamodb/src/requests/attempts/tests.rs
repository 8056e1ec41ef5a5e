//! How often a request is sent, after which pauses, from whose budget, and who is told.

use std::sync::Mutex;

use a2a_core::AttemptObserver;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::get_item::{GetItemError, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use aws_sdk_dynamodb::operation::query::QueryError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::error::{
    ProvisionedThroughputExceededException, ThrottlingException, TransactionCanceledException,
};
use aws_sdk_dynamodb::types::{CancellationReason, ThrottlingReason};
use aws_smithy_mocks::{RuleMode, mock, mock_client};

use super::*;
use crate::items::attributes::Item;
use crate::requests::calls::Calls;

const INDEX: &str = "arn:aws:dynamodb:eu-central-1:123456789012:table/t/index/by-caller";

fn calls(client: Client, attempts: u32) -> Calls {
    Calls::new(client, "t", &DynamoDbConfig::default().attempts(attempts))
}

fn throttled_get() -> GetItemError {
    let reason = ThrottlingReason::builder().reason("IndexWriteKeyRangeThroughputExceeded").resource(INDEX);
    let meta = ErrorMetadata::builder().code("ThrottlingException").build();
    let error = ThrottlingException::builder().throttling_reasons(reason.build()).meta(meta).build();
    GetItemError::ThrottlingException(error)
}

fn throttled_put() -> PutItemError {
    let meta = ErrorMetadata::builder().code("ProvisionedThroughputExceededException").build();
    let error = ProvisionedThroughputExceededException::builder().meta(meta).build();
    PutItemError::ProvisionedThroughputExceededException(error)
}

/// A client whose gets and puts are throttled so often.
fn throttling(times: usize) -> (Client, [aws_smithy_mocks::Rule; 2]) {
    let gets = mock!(Client::get_item).sequence().error(throttled_get).times(times);
    let puts = mock!(Client::put_item).sequence().error(throttled_put).times(times);
    let rules = [
        gets.output(|| GetItemOutput::builder().build()).repeatedly().build(),
        puts.output(|| PutItemOutput::builder().build()).repeatedly().build(),
    ];
    (mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, [&rules[0], &rules[1]]), rules)
}

#[tokio::test(start_paused = true)]
async fn reads_and_writes_are_repeated_in_one_loop() {
    let (client, rules) = throttling(3);
    let calls = calls(client, 4);
    let began = Instant::now();
    assert_eq!(calls.get("p", "s").await.unwrap(), None);
    let read = began.elapsed();
    calls.send_put(calls.put(Item::new())).await.unwrap();
    assert_eq!(rules.map(|rule| rule.num_calls()), [4, 4], "the client repeats nothing by itself");
    for took in [read, began.elapsed() - read] {
        // 25 to 50 ms, then three times as long each time.
        assert!((Duration::from_millis(325)..=Duration::from_millis(650)).contains(&took), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_to_more_than_a_second_where_less_has_to_be_asked() {
    let attempts = Attempts::new(&DynamoDbConfig::default().attempts(9));
    for (trouble, longest) in [
        (Trouble::Throttled, LONGEST_THROTTLED),
        (Trouble::Contended, LONGEST_PAUSE),
        (Trouble::Away, LONGEST_PAUSE),
    ] {
        let (budget, mut retries, mut last) =
            (RetryBudget::default(), Retries::new(&attempts), Duration::ZERO);
        let mut first = None;
        loop {
            let began = Instant::now();
            if !retries.next(&budget, trouble).await {
                break;
            }
            last = began.elapsed();
            first.get_or_insert(last);
        }
        let first = first.unwrap();
        assert!((Duration::from_millis(25)..=Duration::from_millis(50)).contains(&first), "{first:?}");
        assert!(last >= longest / 2 && last <= longest, "{trouble:?}: {last:?}");
        assert!(retries.began.elapsed() <= PATIENCE);
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_are_soon_sent_again_however_often_they_are_throttled() {
    let (client, rules) = throttling(8);
    let calls = calls(client, 9).of_beats();
    let began = Instant::now();
    calls.send_put(calls.put(Item::new())).await.unwrap();
    assert_eq!(rules[1].num_calls(), 9);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_budget_a_request_is_sent_once() {
    let (client, rules) = throttling(9);
    let calls = calls(client, 5);
    let budget = RetryBudget::of_retries(1);
    calls.use_budget(&budget);
    for sent in [2, 3, 4] {
        let error = calls.get("p", "s").await.unwrap_err();
        assert_eq!(error.trouble(), Some(Trouble::Throttled));
        assert_eq!(rules[0].num_calls(), sent);
    }
    budget.succeeded(true);
    assert!(calls.send_put(calls.put(Item::new())).await.is_err());
    assert_eq!(rules[1].num_calls(), 2, "reads and writes share it");
}

#[tokio::test(start_paused = true)]
async fn a_success_gives_back_what_its_retry_took() {
    let (client, _) = throttling(1);
    let calls = calls(client, 5);
    let budget = RetryBudget::of_retries(1);
    calls.use_budget(&budget);
    calls.get("p", "s").await.unwrap();
    assert_eq!(budget.left(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_handed_no_budget_has_one_of_its_own() {
    let (client, rules) = throttling(1_000);
    let calls = calls(client, 3);
    for _ in 0..200 {
        assert!(calls.get("p", "s").await.is_err());
    }
    assert_eq!(rules[0].num_calls(), 300);
}

#[derive(Debug, Default)]
struct Record(Mutex<Vec<String>>);

impl AttemptObserver for Record {
    fn failed(&self, it: &FailedAttempt<'_>) {
        let FailedAttempt { operation, code, reason, resource, trouble, .. } = it;
        let trouble = trouble.map_or("refused", Trouble::word);
        self.0.lock().unwrap().push(format!("{operation}|{code}|{reason}|{resource}|{trouble}"));
    }

    fn answered(&self, operation: &'static str) {
        self.0.lock().unwrap().push(format!("{operation}|ok"));
    }
}

impl Record {
    fn of(calls: &Calls) -> Arc<Self> {
        let record = Arc::new(Record::default());
        calls.use_budget(&RetryBudget::default().observed_by(record.clone()));
        record
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_told_with_what_throttled_it() {
    let (client, _) = throttling(2);
    let calls = calls(client, 5);
    let record = Record::of(&calls);
    calls.get("p", "s").await.unwrap();
    calls.send_put(calls.put(Item::new())).await.unwrap();
    let get = "GetItem|ThrottlingException|IndexWriteKeyRangeThroughputExceeded|t/index/by-caller|throttled";
    let put = "PutItem|ProvisionedThroughputExceededException|||throttled";
    assert_eq!(record.take(), [get, get, "GetItem|ok", put, put, "PutItem|ok"]);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_transaction_is_told_with_its_reason_and_a_lost_race_is_an_answer() {
    let cancelled = |code: &'static str| {
        move || {
            let reasons = ["None", code].map(|code| CancellationReason::builder().code(code).build());
            let meta = ErrorMetadata::builder().code("TransactionCanceledException").build();
            let error =
                TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons.into()));
            TransactWriteItemsError::TransactionCanceledException(error.meta(meta).build())
        }
    };
    let rule = mock!(Client::transact_write_items)
        .sequence()
        .error(cancelled("TransactionConflict"))
        .error(cancelled("ThrottlingError"))
        .error(cancelled("ConditionalCheckFailed"))
        .build();
    let calls = calls(mock_client!(aws_sdk_dynamodb, [&rule]), 5);
    let record = Record::of(&calls);
    calls.transact(Vec::new()).await.unwrap();
    let operation = "TransactWriteItems|TransactionCanceledException";
    assert_eq!(
        record.take(),
        [
            format!("{operation}|TransactionConflict||contended"),
            format!("{operation}|ThrottlingError||throttled"),
            "TransactWriteItems|ok".to_owned(),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn labels_are_few_whatever_the_service_says() {
    let rule = mock!(Client::query)
        .then_error(|| QueryError::generic(ErrorMetadata::builder().code("Some-1234-thing").build()));
    let calls = calls(mock_client!(aws_sdk_dynamodb, [&rule]), 1);
    let record = Record::of(&calls);
    assert!(calls.all(calls.range("p", "s")).await.is_err());
    assert_eq!(record.take(), ["Query|other|||away"]);
}
