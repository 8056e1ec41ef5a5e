//! What calls to AWS cost: an interceptor that counts requests, bytes and billed units.
//!
//! Give one [`Meter`] to every client of which the bill is wanted. It counts each attempt, because AWS bills each,
//! and learns the units of DynamoDB from DynamoDB itself; those of SNS and SQS follow from the sizes of the messages.
//! Nothing of what the calls carry is kept or told, only how much it is.
//!
//! Through the `metrics` facade it counts
//!
//! | name | kind | labels | what it tells |
//! |---|---|---|---|
//! | `a2a_aws_requests_total` | counter | `service`, `operation` | attempts |
//! | `a2a_aws_units_total` | counter | `service`, `kind` | billed units |
//! | `a2a_aws_bytes_total` | counter | `service`, `direction` | bytes of bodies, `sent` and `received` |
//!
//! It cannot see what AWS bills without telling: a poll that is given up while it waits counts as one request, a
//! failed condition as the least that it can have cost.

mod bill;
mod charge;
mod load;

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextMut, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use metrics::{Counter, counter};

pub use bill::{Bill, Service, Traffic, Unit};
use load::Load;

/// Counts what the clients that it is given to send, receive and are billed for.
///
/// Clones count together.
#[derive(Debug, Clone)]
pub struct Meter(Arc<Mutex<Bill>>);

/// Its counters of units are there from now on, with 0.
impl Default for Meter {
    fn default() -> Self {
        for unit in Unit::ALL {
            units(unit).increment(0);
        }
        Self(Arc::default())
    }
}

impl Meter {
    /// Returns all that was counted so far.
    #[must_use]
    pub fn bill(&self) -> Bill {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn request(&self, service: Service, operation: &str, bytes: u64) {
        counter!("a2a_aws_requests_total", "service" => service.name(), "operation" => operation.to_owned())
            .increment(1);
        counter!("a2a_aws_bytes_total", "service" => service.name(), "direction" => "sent").increment(bytes);
        let mut bill = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *bill.requests.entry((service, operation.to_owned())).or_default() += 1;
        bill.traffic.entry(service).or_default().sent += bytes;
    }

    fn received(&self, service: Service, bytes: u64) {
        counter!("a2a_aws_bytes_total", "service" => service.name(), "direction" => "received")
            .increment(bytes);
        let mut bill = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bill.traffic.entry(service).or_default().received += bytes;
    }

    fn charge(&self, unit: Unit, amount: f64) {
        let (before, after) = {
            let mut bill = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let units = bill.units.entry(unit).or_default();
            *units += amount;
            (*units - amount, *units)
        };
        // Reads are billed by halves; the counter moves with the wholes.
        let whole = after.floor() - before.floor();
        units(unit).increment(whole as u64);
    }
}

fn units(unit: Unit) -> Counter {
    counter!("a2a_aws_units_total", "service" => unit.service().name(), "kind" => unit.kind())
}

/// The operation under way, where it is of a service that is metered.
fn operation(bag: &ConfigBag) -> Option<(Service, &str)> {
    let metadata = bag.load::<Metadata>()?;
    Some((Service::named(metadata.service())?, metadata.name()))
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        charge::ask(context.input_mut());
        bag.interceptor_state().store_put(Load::of(context.input()));
        Ok(())
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some((service, operation)) = operation(bag) else { return Ok(()) };
        self.request(service, operation, context.request().body().content_length().unwrap_or_default());
        if let (Some(unit), Some(load)) = (service.request_unit(), bag.load::<Load>()) {
            self.charge(unit, load.requests());
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (Some((service, operation)), Some(response)) = (operation(bag), context.response()) else {
            return Ok(());
        };
        let length = response.headers().get("content-length").and_then(|length| length.parse().ok());
        self.received(service, length.or_else(|| response.body().content_length()).unwrap_or_default());
        let Some(answer) = context.output_or_error() else { return Ok(()) };
        let load = bag.load::<Load>().copied().unwrap_or_default();
        if let Some((unit, amount)) = charge::of(operation, answer, load) {
            self.charge(unit, amount);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
