//! The requests to the table. How they are repeated is told in [`attempts`](crate::requests::attempts).

use std::collections::HashMap;
use std::sync::Arc;

use a2a_core::{BackendError, Env, Result, RetryBudget, Trouble};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use tokio::time::Instant;

use crate::DynamoDbConfig;
use crate::items::attributes::{Item, PK, SK, text};
use crate::requests::attempts::{Attempts, Failed, Retries, Sending};
use crate::requests::error::{self, Verdict};
use crate::requests::pace::Pace;

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
    /// As it was given.
    client: Client,
    /// The same, sending each request once.
    once: Client,
    table: Arc<str>,
    attempts: Attempts,
    env: Arc<dyn Env>,
    pace: Arc<Pace>,
}

impl Calls {
    pub(crate) fn new(client: Client, table: &str, config: &DynamoDbConfig) -> Self {
        let once = client.config().to_builder().retry_config(RetryConfig::disabled()).build();
        Calls {
            client,
            once: Client::from_conf(once),
            table: table.into(),
            attempts: Attempts::new(config),
            env: Arc::clone(&config.env),
            pace: Arc::default(),
        }
    }

    /// The client that was given.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The same table under other settings.
    pub(crate) fn with_config(self, config: &DynamoDbConfig) -> Self {
        Calls { attempts: self.attempts.with_config(config), env: Arc::clone(&config.env), ..self }
    }

    /// The same table for heartbeats: they are soon sent again.
    pub(crate) fn of_beats(&self) -> Self {
        Calls { attempts: self.attempts.of_beats(), ..self.clone() }
    }

    /// Pays for retries from this budget from now on.
    pub(crate) fn use_budget(&self, budget: &RetryBudget) {
        self.attempts.use_budget(budget);
    }

    /// Reads one item, up to date.
    pub(crate) async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>> {
        let request = self.once.get_item().table_name(&*self.table).key(PK, text(pk)).key(SK, text(sk));
        let request = request.consistent_read(true);
        let answer = self.attempts.send("GetItem", error::judge, || Box::pin(request.clone().send())).await;
        Ok(answer.map_err(|failed| failed.of_read())?.item)
    }

    /// Reads the items under one sort key of up to 100 partitions, up to date, in no order.
    pub(crate) async fn get_each(&self, partitions: &[&str], sk: &str) -> Result<Vec<Item>> {
        let keys = partitions.iter().map(|pk| HashMap::from([(PK.into(), text(*pk)), (SK.into(), text(sk))]));
        let mut missing: Vec<Item> = keys.collect();
        let mut found = Vec::new();
        let (budget, mut retries) = (self.attempts.budget(), Retries::new(&self.attempts));
        while !missing.is_empty() {
            let wanted = KeysAndAttributes::builder().set_keys(Some(missing)).consistent_read(true).build();
            let wanted = wanted.map_err(|error| BackendError::Unavailable(error.into()))?;
            let request = self.once.batch_get_item().request_items(&*self.table, wanted);
            let send = || -> Sending<_, _> { Box::pin(request.clone().send()) };
            let answer = self.attempts.send("BatchGetItem", error::judge, send).await;
            let answer = answer.map_err(|failed| failed.of_read())?;
            let items = answer.responses.unwrap_or_default().remove(&*self.table).unwrap_or_default();
            let progress = !items.is_empty();
            found.extend(items);
            let rest = answer.unprocessed_keys.unwrap_or_default().remove(&*self.table);
            missing = rest.map(|rest| rest.keys).unwrap_or_default();
            if !missing.is_empty() {
                let unread = Retries::left_unread(&budget);
                if progress {
                    retries = Retries::new(&self.attempts);
                }
                if !retries.next(&budget, Trouble::Throttled).await && !progress {
                    return Err(unread);
                }
            }
        }
        Ok(found)
    }

    /// Begins a query of the table or of an index.
    pub(crate) fn query(&self) -> QueryFluentBuilder {
        self.once.query().table_name(&*self.table)
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
        let page = self.asked(query).await?;
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
            let page = self.asked(query.clone().set_exclusive_start_key(from)).await?;
            count += u64::try_from(page.count).unwrap_or_default();
            from = page.last_evaluated_key;
            if from.is_none() || Instant::now() >= until {
                return Ok(count);
            }
        }
    }

    async fn asked(&self, query: QueryFluentBuilder) -> Result<QueryOutput> {
        let page = self.attempts.send("Query", error::judge, || Box::pin(query.clone().send())).await;
        page.map_err(|failed| failed.of_read())
    }

    /// Begins a put; a condition that fails returns the item that is there.
    pub(crate) fn put(&self, item: Item) -> PutItemFluentBuilder {
        self.once.put_item().table_name(&*self.table).set_item(Some(item))
    }

    /// Begins an update; a condition that fails returns the item that is there.
    pub(crate) fn update(&self, pk: &str, sk: &str) -> UpdateItemFluentBuilder {
        self.once.update_item().table_name(&*self.table).key(PK, text(pk)).key(SK, text(sk))
    }

    /// Begins a deletion; a condition that fails returns the item that is there.
    pub(crate) fn delete(&self, pk: &str, sk: &str) -> DeleteItemFluentBuilder {
        self.once.delete_item().table_name(&*self.table).key(PK, text(pk)).key(SK, text(sk))
    }

    /// The pace of what is written in parts.
    pub(crate) fn pace(&self) -> &Pace {
        &self.pace
    }

    /// The table's name, for the parts of a transaction.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    pub(crate) async fn send_put(&self, put: PutItemFluentBuilder) -> Result<Written> {
        let wanted = wanted_back(put.get_condition_expression());
        let put = put.set_return_values_on_condition_check_failure(wanted);
        let sent = self.attempts.send("PutItem", error::judge, || Box::pin(put.clone().send())).await;
        conditional(sent, |error| match error {
            PutItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
            _ => None,
        })
    }

    pub(crate) async fn send_update(&self, update: UpdateItemFluentBuilder) -> Result<Written> {
        let wanted = wanted_back(update.get_condition_expression());
        let update = update.set_return_values_on_condition_check_failure(wanted);
        let sent = self.attempts.send("UpdateItem", error::judge, || Box::pin(update.clone().send())).await;
        conditional(sent, |error| match error {
            UpdateItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
            _ => None,
        })
    }

    /// Sends an update, and returns the item as it is then. `None` where its condition did not hold.
    pub(crate) async fn send_update_and_read(&self, update: UpdateItemFluentBuilder) -> Result<Option<Item>> {
        let update = update.return_values(ReturnValue::AllNew);
        let sent = self.attempts.send("UpdateItem", error::judge, || Box::pin(update.clone().send())).await;
        match sent {
            Ok(answer) => Ok(Some(answer.attributes.unwrap_or_default())),
            Err(failed) if failed.verdict == Verdict::Unmet => Ok(None),
            Err(failed) => Err(failed.of_write()),
        }
    }

    pub(crate) async fn send_delete(&self, delete: DeleteItemFluentBuilder) -> Result<Written> {
        let wanted = wanted_back(delete.get_condition_expression());
        let delete = delete.set_return_values_on_condition_check_failure(wanted);
        let sent = self.attempts.send("DeleteItem", error::judge, || Box::pin(delete.clone().send())).await;
        conditional(sent, |error| match error {
            DeleteItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
            _ => None,
        })
    }

    pub(crate) async fn transact(&self, actions: Vec<TransactWriteItem>) -> Result<Transacted> {
        // One name for all attempts: one that was applied without an answer is then answered as applied.
        let name = self.env.uuid().to_string();
        let request = self.once.transact_write_items().set_transact_items(Some(actions));
        let request = request.client_request_token(name);
        let send = || -> Sending<_, _> { Box::pin(request.clone().send()) };
        let failed = match self.attempts.send("TransactWriteItems", error::judge_transaction, send).await {
            Ok(_) => return Ok(Transacted::Done),
            Err(failed) => failed,
        };
        match failed.error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled))
                if failed.verdict == Verdict::Unmet =>
            {
                let reasons = cancelled.cancellation_reasons();
                Ok(Transacted::Unmet(reasons.iter().map(|reason| reason.item.clone()).collect()))
            }
            _ => Err(failed.of_write()),
        }
    }
}

/// The item that is there is wanted back where a condition may fail. Without one the parameter has no meaning, and AWS says
/// nothing of what it does.
fn wanted_back(condition: &Option<String>) -> Option<ReturnValuesOnConditionCheckFailure> {
    condition.as_ref().map(|_| ReturnValuesOnConditionCheckFailure::AllOld)
}

fn conditional<T, E: ProvideErrorMetadata + std::error::Error + 'static>(
    sent: Result<T, Failed<E>>,
    unmet: impl Fn(&E) -> Option<Option<Item>>,
) -> Result<Written> {
    match sent {
        Ok(_) => Ok(Written::Done),
        Err(failed) => match failed.error.as_service_error().and_then(unmet) {
            Some(item) => Ok(Written::Unmet(item)),
            None => Err(failed.of_write()),
        },
    }
}

#[cfg(test)]
mod tests;
