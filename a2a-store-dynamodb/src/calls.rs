//! The requests to the table: reads through the client as it is, writes sent again within bounds.
//!
//! Writes do not use the client's own retries: those hide that an earlier attempt went without an answer, and
//! then "throttled, nothing applied" would be a lie.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use a2a_core::{BackendError, Env, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::DynamoDbConfig;
use crate::attributes::{Item, PK, SK, text};
use crate::error::{self, Verdict};

const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);

/// The fate of a conditional write.
#[derive(Debug)]
pub(crate) enum Written {
    /// It was applied.
    Done,
    /// Its condition did not hold; the item as it is, where there is one.
    Unmet(Option<Item>),
}

/// The fate of a transaction.
#[derive(Debug)]
pub(crate) enum Transacted {
    /// All of it was applied.
    Done,
    /// A condition did not hold; the items whose conditions failed, by position.
    Unmet(Vec<Option<Item>>),
}

/// One table and how to reach it.
#[derive(Debug, Clone)]
pub(crate) struct Calls {
    reader: Client,
    writer: Client,
    table: Arc<str>,
    attempts: u32,
    env: Arc<dyn Env>,
}

impl Calls {
    pub(crate) fn new(client: Client, table: &str, config: &DynamoDbConfig) -> Self {
        let once = client.config().to_builder().retry_config(RetryConfig::disabled()).build();
        Calls {
            reader: client,
            writer: Client::from_conf(once),
            table: table.into(),
            attempts: config.attempts,
            env: Arc::clone(&config.env),
        }
    }

    /// The client that reads go through.
    pub(crate) fn client(&self) -> &Client {
        &self.reader
    }

    /// The same table under other settings.
    pub(crate) fn with_config(self, config: &DynamoDbConfig) -> Self {
        Calls { attempts: config.attempts, env: Arc::clone(&config.env), ..self }
    }

    /// Reads one item, up to date.
    pub(crate) async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>> {
        let request = self.reader.get_item().table_name(&*self.table).key(PK, text(pk)).key(SK, text(sk));
        let answer = Box::pin(request.consistent_read(true).send()).await;
        Ok(answer.map_err(|error| error::read_failed("GetItem", &error))?.item)
    }

    /// Reads the items under one sort key of up to 100 partitions, up to date, in no order.
    pub(crate) async fn get_each(&self, partitions: &[&str], sk: &str) -> Result<Vec<Item>> {
        let keys = partitions.iter().map(|pk| HashMap::from([(PK.into(), text(*pk)), (SK.into(), text(sk))]));
        let mut missing: Vec<Item> = keys.collect();
        let mut found = Vec::new();
        let (mut pause, mut left) = (FIRST_PAUSE, self.attempts);
        while !missing.is_empty() {
            if left == 0 {
                return Err(BackendError::Unavailable("BatchGetItem left keys unread".into()));
            }
            let wanted = KeysAndAttributes::builder().set_keys(Some(missing)).consistent_read(true).build();
            let wanted = wanted.map_err(|error| BackendError::Unavailable(error.into()))?;
            let request = self.reader.batch_get_item().request_items(&*self.table, wanted);
            let answer = Box::pin(request.send()).await;
            let answer = answer.map_err(|error| error::read_failed("BatchGetItem", &error))?;
            let items = answer.responses.unwrap_or_default().remove(&*self.table).unwrap_or_default();
            let progress = !items.is_empty();
            found.extend(items);
            let rest = answer.unprocessed_keys.unwrap_or_default().remove(&*self.table);
            missing = rest.map(|rest| rest.keys).unwrap_or_default();
            if !missing.is_empty() && !progress {
                left -= 1;
                self.pause(&mut pause).await;
            }
        }
        Ok(found)
    }

    /// Begins a query of the table or of an index.
    pub(crate) fn query(&self) -> QueryFluentBuilder {
        self.reader.query().table_name(&*self.table)
    }

    /// Begins a query of one partition's items whose sort keys begin so, up to date.
    pub(crate) fn range(&self, pk: &str, prefix: &str) -> QueryFluentBuilder {
        self.query()
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":prefix", text(prefix))
    }

    /// Reads one page of a query: its items, and where the next one begins.
    pub(crate) async fn page(&self, query: QueryFluentBuilder) -> Result<(Vec<Item>, Option<Item>)> {
        let page = Box::pin(query.send()).await.map_err(|error| error::read_failed("Query", &error))?;
        Ok((page.items.unwrap_or_default(), page.last_evaluated_key))
    }

    /// Reads all pages of a query.
    pub(crate) async fn all(&self, query: QueryFluentBuilder) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        let mut from = None;
        loop {
            let (page, next) = self.page(query.clone().set_exclusive_start_key(from)).await?;
            items.extend(page);
            if next.is_none() {
                return Ok(items);
            }
            from = next;
        }
    }

    /// Counts the items of a query, a page at least, and further ones until then.
    pub(crate) async fn count(&self, query: QueryFluentBuilder, until: Instant) -> Result<u64> {
        let query = query.select(aws_sdk_dynamodb::types::Select::Count);
        let (mut count, mut from) = (0, None);
        loop {
            let request = query.clone().set_exclusive_start_key(from).send();
            let page = Box::pin(request).await.map_err(|error| error::read_failed("Query", &error))?;
            count += u64::try_from(page.count).unwrap_or_default();
            from = page.last_evaluated_key;
            if from.is_none() || Instant::now() >= until {
                return Ok(count);
            }
        }
    }

    /// Begins a put; a condition that fails returns the item that is there.
    pub(crate) fn put(&self, item: Item) -> PutItemFluentBuilder {
        self.writer
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// Begins an update; a condition that fails returns the item that is there.
    pub(crate) fn update(&self, pk: &str, sk: &str) -> UpdateItemFluentBuilder {
        self.writer
            .update_item()
            .table_name(&*self.table)
            .key(PK, text(pk))
            .key(SK, text(sk))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// Begins a deletion; a condition that fails returns the item that is there.
    pub(crate) fn delete(&self, pk: &str, sk: &str) -> DeleteItemFluentBuilder {
        self.writer
            .delete_item()
            .table_name(&*self.table)
            .key(PK, text(pk))
            .key(SK, text(sk))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// The table's name, for the parts of a transaction.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    pub(crate) async fn send_put(&self, put: PutItemFluentBuilder) -> Result<Written> {
        let sent = self.persist(error::judge, || Box::pin(put.clone().send())).await;
        conditional("PutItem", sent, |error| match error {
            PutItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
            _ => None,
        })
    }

    pub(crate) async fn send_update(&self, update: UpdateItemFluentBuilder) -> Result<Written> {
        let sent = self.persist(error::judge, || Box::pin(update.clone().send())).await;
        conditional("UpdateItem", sent, |error| match error {
            UpdateItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
            _ => None,
        })
    }

    /// Sends an update, and returns the item as it is then. `None` where its condition did not hold.
    pub(crate) async fn send_update_and_read(&self, update: UpdateItemFluentBuilder) -> Result<Option<Item>> {
        let update = update.return_values(ReturnValue::AllNew);
        match self.persist(error::judge, || Box::pin(update.clone().send())).await {
            Ok(answer) => Ok(Some(answer.attributes.unwrap_or_default())),
            Err(failed) => match failed.error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(failed.told("UpdateItem")),
            },
        }
    }

    pub(crate) async fn send_delete(&self, delete: DeleteItemFluentBuilder) -> Result<Written> {
        let sent = self.persist(error::judge, || Box::pin(delete.clone().send())).await;
        conditional("DeleteItem", sent, |error| match error {
            DeleteItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
            _ => None,
        })
    }

    pub(crate) async fn transact(&self, actions: Vec<TransactWriteItem>) -> Result<Transacted> {
        // One name for all attempts: one that was applied without an answer is then answered as applied.
        let name = self.env.uuid().to_string();
        let request = self.writer.transact_write_items().set_transact_items(Some(actions));
        let request = request.client_request_token(name);
        let sent = self.persist(error::judge_transaction, || Box::pin(request.clone().send())).await;
        let failed = match sent {
            Ok(_) => return Ok(Transacted::Done),
            Err(failed) => failed,
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            failed.error.as_service_error()
            && failed.verdict == Verdict::Refused
        {
            let reasons = cancelled.cancellation_reasons();
            if reasons.iter().any(|reason| reason.code() == Some("ConditionalCheckFailed")) {
                return Ok(Transacted::Unmet(reasons.iter().map(|reason| reason.item.clone()).collect()));
            }
        }
        Err(failed.told("TransactWriteItems"))
    }

    /// Sends a write, again while that may help and attempts are left.
    async fn persist<T, E>(
        &self,
        judge: impl Fn(&SdkError<E>) -> Verdict,
        send: impl Fn() -> BoxFuture<'static, Result<T, SdkError<E>>>,
    ) -> Result<T, Failed<E>> {
        let (mut doubt, mut pause) = (false, FIRST_PAUSE);
        let mut left = self.attempts;
        loop {
            let error = match send().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let verdict = judge(&error);
            doubt |= verdict == Verdict::Doubtful;
            left = left.saturating_sub(1);
            if left == 0 || matches!(verdict, Verdict::Refused | Verdict::Oversized) {
                return Err(Failed { error, verdict, doubt });
            }
            self.pause(&mut pause).await;
        }
    }

    /// Waits, and makes the next wait longer.
    async fn pause(&self, pause: &mut Duration) {
        tokio::time::sleep(pause.mul_f64(0.5 + self.env.chance())).await;
        *pause = LONGEST_PAUSE.min(*pause * 2);
    }
}

/// A write that failed for good.
#[derive(Debug)]
struct Failed<E> {
    error: SdkError<E>,
    verdict: Verdict,
    /// Whether one of the attempts may have been applied.
    doubt: bool,
}

impl<E: ProvideErrorMetadata> Failed<E> {
    fn told(&self, operation: &'static str) -> BackendError {
        error::write_failed(operation, &self.error, self.verdict, self.doubt)
    }
}

fn conditional<T, E: ProvideErrorMetadata>(
    operation: &'static str,
    sent: Result<T, Failed<E>>,
    unmet: impl Fn(&E) -> Option<Option<Item>>,
) -> Result<Written> {
    match sent {
        Ok(_) => Ok(Written::Done),
        Err(failed) => match failed.error.as_service_error().and_then(unmet) {
            Some(item) => Ok(Written::Unmet(item)),
            None => Err(failed.told(operation)),
        },
    }
}
