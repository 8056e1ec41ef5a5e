//! Requests that do not arrive: those that a test picks.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
}

impl Refusals {
    pub(crate) fn of(picks: fn(Single<'_>) -> bool) -> Self {
        Refusals { picks, is_over: Arc::default() }
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
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
