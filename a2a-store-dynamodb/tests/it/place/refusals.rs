//! Requests that do not arrive: those that a test picks.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

/// A single write, by the sort key of its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Single<'a> {
    Put(&'a str),
    Update(&'a str),
}

/// Lets no single write pass that a test picks, until it is over.
#[derive(Clone)]
pub(crate) struct Refusals {
    picks: fn(Single<'_>) -> bool,
    is_over: Arc<AtomicBool>,
    updates: Arc<Mutex<Vec<UpdateItemInput>>>,
}

impl Refusals {
    pub(crate) fn of(picks: fn(Single<'_>) -> bool) -> Self {
        Refusals { picks, is_over: Arc::default(), updates: Arc::default() }
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Lets the updates arrive that did not, late. Returns how many of them were applied.
    pub(crate) async fn arrive_late(&self, client: &Client) -> usize {
        let updates = std::mem::take(&mut *self.updates.lock().unwrap());
        let mut applied = 0;
        for late in updates {
            let update = client
                .update_item()
                .set_table_name(late.table_name)
                .set_key(late.key)
                .set_update_expression(late.update_expression)
                .set_condition_expression(late.condition_expression)
                .set_expression_attribute_values(late.expression_attribute_values);
            applied += usize::from(update.send().await.is_ok());
        }
        applied
    }
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refusals")
    }
}

impl Intercept for Refusals {
    fn name(&self) -> &'static str {
        "refusals"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input();
        let put = input.downcast_ref::<PutItemInput>().and_then(|put| put.item.as_ref()).map(sort_of);
        let update =
            input.downcast_ref::<UpdateItemInput>().and_then(|update| update.key.as_ref()).map(sort_of);
        let is_picked = put.is_some_and(|sort| (self.picks)(Single::Put(sort)))
            || update.is_some_and(|sort| (self.picks)(Single::Update(sort)));
        if is_picked && !self.is_over.load(Ordering::SeqCst) {
            if let Some(update) = input.downcast_ref::<UpdateItemInput>() {
                self.updates.lock().unwrap().push(update.clone());
            }
            bag.interceptor_state().store_put(Picked);
        }
        Ok(())
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if bag.load::<Picked>().is_some() {
            // Nobody listens there.
            context.request_mut().set_uri("http://127.0.0.1:1/")?;
        }
        Ok(())
    }
}

/// Marks a request that does not arrive.
#[derive(Debug)]
struct Picked;

impl Storable for Picked {
    type Storer = StoreReplace<Self>;
}

fn sort_of(item: &HashMap<String, AttributeValue>) -> &str {
    item["sk"].as_s().unwrap()
}
