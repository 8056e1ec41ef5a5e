//! SNS and SQS on a bad day.
//!
//! Nothing is simulated that the endpoint does itself: it keeps topics, queues and messages, and delivers. What it does too
//! soon, the weather has it do later: a filter policy is set when it is to take effect, a queue is deleted when it is to be
//! gone. Messages are taken out of the endpoint's answers and shown when they have arrived.

mod batches;
mod counts;
mod fault;
mod filters;
pub(super) mod form;
mod handles;
mod later;
mod lists;
mod mailbox;
mod names;
mod queues;
mod receive;
mod requests;
mod settings;
mod state;
mod subscriptions;
mod xml;

pub use counts::MessagingCounts;
pub use settings::{FilterDelay, Meanwhile, SnsWeather, SqsWeather};
pub(super) use state::Messaging;

use super::call::{Call, Service};
use super::refusal::ServiceError;
use super::wire::Answer;

/// Says an error of SNS or SQS, with a message of its own where there is one; `None` where it is none of theirs.
pub(super) fn refused(service: Service, error: ServiceError, message: Option<&str>) -> Option<Answer> {
    let fault = fault::of(service, error)?;
    Some(message.map_or_else(|| fault.answer(), |message| fault.saying(message)))
}

/// Whether a service has an error. DynamoDB has them all.
pub(super) fn has(service: Service, error: ServiceError) -> bool {
    service == Service::DynamoDb || fault::of(service, error).is_some()
}

/// Whether a request ends with its client. A receive must: what it gets for a client that is gone nobody sees.
pub(super) fn ends_with_its_client(call: &Call) -> bool {
    call.service == Service::Sqs && call.operation == "ReceiveMessage"
}
