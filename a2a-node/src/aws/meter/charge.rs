//! What an answer says, or lets conclude, about its price.

use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemInput, BatchGetItemOutput};
use aws_sdk_dynamodb::operation::batch_write_item::{BatchWriteItemInput, BatchWriteItemOutput};
use aws_sdk_dynamodb::operation::delete_item::{DeleteItemError, DeleteItemInput, DeleteItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::scan::{ScanInput, ScanOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{
    TransactWriteItemsError, TransactWriteItemsInput, TransactWriteItemsOutput,
};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use aws_sdk_sqs::operation::receive_message::ReceiveMessageOutput;
use aws_smithy_runtime_api::client::interceptors::context::{Error, Input, Output};
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;

use super::Unit;
use super::load::{Load, chunks};

macro_rules! ask_of {
    ($asked:ident, $($input:ty),* $(,)?) => {
        $(if let Some(input) = $asked.downcast_mut::<$input>() {
            input.return_consumed_capacity.get_or_insert(ReturnConsumedCapacity::Total);
        })*
    };
}

/// Has DynamoDB tell what a call costs. That is free.
pub(super) fn ask(input: &mut Input) {
    ask_of!(
        input,
        GetItemInput,
        BatchGetItemInput,
        QueryInput,
        ScanInput,
        PutItemInput,
        UpdateItemInput,
        DeleteItemInput,
        BatchWriteItemInput,
        TransactWriteItemsInput,
    );
}

macro_rules! consumed {
    ($output:ident, $($unit:ident $type:ty),* $(,)?) => {
        $(if let Some(output) = $output.downcast_ref::<$type>() {
            let units = output.consumed_capacity.iter().filter_map(ConsumedCapacity::capacity_units).sum();
            return Some((Unit::$unit, units));
        })*
    };
}

macro_rules! consumed_by_several {
    ($output:ident, $($unit:ident $type:ty),* $(,)?) => {
        $(if let Some(output) = $output.downcast_ref::<$type>() {
            let units = output.consumed_capacity().iter().filter_map(ConsumedCapacity::capacity_units).sum();
            return Some((Unit::$unit, units));
        })*
    };
}

/// What an answer costs beyond the request.
pub(super) fn of(
    operation: &str,
    answer: Result<&Output, &OrchestratorError<Error>>,
    load: Load,
) -> Option<(Unit, f64)> {
    let output = match answer {
        Ok(output) => output,
        Err(error) => return unmet(operation, error.as_operation_error()?, load),
    };
    consumed!(
        output,
        DynamoDbRead GetItemOutput,
        DynamoDbRead QueryOutput,
        DynamoDbRead ScanOutput,
        DynamoDbWrite PutItemOutput,
        DynamoDbWrite UpdateItemOutput,
        DynamoDbWrite DeleteItemOutput,
    );
    consumed_by_several!(
        output,
        DynamoDbRead BatchGetItemOutput,
        DynamoDbWrite BatchWriteItemOutput,
        DynamoDbWrite TransactWriteItemsOutput,
    );
    let received = output.downcast_ref::<ReceiveMessageOutput>()?;
    let bytes = received.messages().iter().filter_map(|message| message.body()).map(str::len).sum();
    // The request itself was counted as it went.
    Some((Unit::SqsRequest, chunks(bytes).saturating_sub(1) as f64))
}

/// A condition that does not hold is billed like the write, whose size nobody tells: one unit at least.
fn unmet(operation: &str, error: &Error, load: Load) -> Option<(Unit, f64)> {
    let is_unmet = match operation {
        "PutItem" => error.downcast_ref::<PutItemError>()?.is_conditional_check_failed_exception(),
        "UpdateItem" => error.downcast_ref::<UpdateItemError>()?.is_conditional_check_failed_exception(),
        "DeleteItem" => error.downcast_ref::<DeleteItemError>()?.is_conditional_check_failed_exception(),
        "TransactWriteItems" => {
            let is_canceled =
                error.downcast_ref::<TransactWriteItemsError>()?.is_transaction_canceled_exception();
            return is_canceled.then_some((Unit::DynamoDbWrite, 2.0 * load.actions as f64));
        }
        _ => false,
    };
    is_unmet.then_some((Unit::DynamoDbWrite, 1.0))
}
