//! Sees each call that a client makes: counts it, and may have it fail before or after it has its effect.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_sqs::config::interceptors::{
    BeforeSerializationInterceptorContextMut, FinalizerInterceptorContextMut,
};
use aws_sdk_sqs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::client::orchestrator::Metadata;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// When the fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strike {
    /// Nothing reaches the service.
    Before,
    /// The service has done it, and the answer is lost.
    After,
}

#[derive(Debug, Default)]
struct Seen {
    calls: BTreeMap<String, usize>,
    faults: Vec<(String, Strike)>,
}

/// Shared by the clients of a test.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tap(Arc<Mutex<Seen>>);

impl Tap {
    /// How often each operation was called.
    pub(crate) fn calls(&self) -> BTreeMap<String, usize> {
        self.0.lock().unwrap().calls.clone()
    }

    pub(crate) fn count(&self, operation: &str) -> usize {
        self.calls().get(operation).copied().unwrap_or_default()
    }

    pub(crate) fn reset(&self) {
        self.0.lock().unwrap().calls.clear();
    }

    /// Has every call of an operation fail from now on.
    pub(crate) fn fail(&self, operation: &str, strike: Strike) {
        self.0.lock().unwrap().faults.push((operation.to_owned(), strike));
    }

    pub(crate) fn heal(&self) {
        self.0.lock().unwrap().faults.clear();
    }

    fn strike(&self, operation: &str, strike: Strike) -> Result<(), Error> {
        let seen = self.0.lock().unwrap();
        let fails = seen.faults.iter().any(|fault| fault.0 == operation && fault.1 == strike);
        if fails { Err(format!("{operation} was made to fail").into()) } else { Ok(()) }
    }
}

fn operation(bag: &ConfigBag) -> String {
    bag.load::<Metadata>().map(|metadata| metadata.name().to_owned()).unwrap_or_default()
}

impl Intercept for Tap {
    fn name(&self) -> &'static str {
        "Tap"
    }

    fn modify_before_serialization(
        &self,
        _: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), Error> {
        let operation = operation(bag);
        *self.0.lock().unwrap().calls.entry(operation.clone()).or_default() += 1;
        self.strike(&operation, Strike::Before)
    }

    fn modify_before_completion(
        &self,
        _: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), Error> {
        self.strike(&operation(bag), Strike::After)
    }
}
