//! Counts what a client sends and what the endpoint bills for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemInput, BatchGetItemOutput};
use aws_sdk_dynamodb::operation::delete_item::{DeleteItemInput, DeleteItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// What was sent, and what it cost.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Bill {
    /// Requests by operation.
    pub(crate) requests: BTreeMap<&'static str, u64>,
    /// Units of operations that write.
    pub(crate) written: f64,
    /// Units of operations that read.
    pub(crate) read: f64,
}

impl Bill {
    /// The number of requests of all operations.
    pub(crate) fn total(&self) -> u64 {
        self.requests.values().sum()
    }
}

/// An interceptor that asks for the bill of every call, and adds it up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meter {
    bill: Arc<Mutex<Bill>>,
}

impl Meter {
    /// Returns the bill since the last call.
    pub(crate) fn take(&self) -> Bill {
        std::mem::take(&mut self.bill.lock().unwrap())
    }

    fn add(&self, operation: &'static str, writes: bool, capacities: &[ConsumedCapacity]) {
        let mut bill = self.bill.lock().unwrap();
        *bill.requests.entry(operation).or_default() += 1;
        let units: f64 = capacities.iter().filter_map(ConsumedCapacity::capacity_units).sum();
        if writes {
            bill.written += units;
        } else {
            bill.read += units;
        }
    }
}

macro_rules! ask {
    ($context:ident, $($input:ty),*) => {
        $(if let Some(input) = $context.input_mut().downcast_mut::<$input>() {
            input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
        })*
    };
}

macro_rules! add {
    ($meter:ident, $output:ident, $($name:literal $writes:literal $type:ty),*) => {
        $(if let Some(output) = $output.downcast_ref::<$type>() {
            let capacities: Vec<_> = output.consumed_capacity.clone().into_iter().collect();
            $meter.add($name, $writes, &capacities);
        })*
    };
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        ask!(
            context,
            GetItemInput,
            BatchGetItemInput,
            QueryInput,
            PutItemInput,
            UpdateItemInput,
            DeleteItemInput,
            TransactWriteItemsInput
        );
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Ok(output)) = context.output_or_error() else {
            // The endpoint bills failed conditions as well, but does not tell how much.
            self.add("failed", true, &[]);
            return Ok(());
        };
        add!(
            self, output,
            "GetItem" false GetItemOutput, "Query" false QueryOutput, "PutItem" true PutItemOutput,
            "UpdateItem" true UpdateItemOutput, "DeleteItem" true DeleteItemOutput
        );
        if let Some(output) = output.downcast_ref::<TransactWriteItemsOutput>() {
            self.add("TransactWriteItems", true, output.consumed_capacity());
        }
        if let Some(output) = output.downcast_ref::<BatchGetItemOutput>() {
            self.add("BatchGetItem", false, output.consumed_capacity());
        }
        Ok(())
    }
}
