#![doc = include_str!("../README.md")]
//!
//! Start with [`Cluster::builder`].

#[doc(hidden)]
pub mod actor;
mod admission;
mod alarm;
mod caller;
mod cluster;
mod forget;
mod ground;
mod handler;
mod instance;
mod limits;
mod members;
mod position;
pub mod resume;
mod sdk_store;
mod webhook;

pub use caller::{Caller, CallerResolver};
pub use cluster::{BusState, Cluster, ClusterBuilder, Leftovers, Readiness, StartError, Unready};
pub use forget::{Forget, ForgetOutcome, Forgotten, forget};
pub use ground::refusals::{
    challenge, forbidden, is_forbidden, retry_after, unauthenticated, unauthenticated_by, unavailable,
};
pub use ground::telemetry;
pub use ground::{
    Config, ExecutorLost, Limits, MessageIds, WebhookDetail, WebhookKeyError, WebhookKeys, Webhooks,
};
pub use handler::ClusterHandler;
pub use position::{EventIndex, Position, PositionedEvent, PositionedEvents, PositionedStreams};
pub use sdk_store::SdkTaskStore;
pub use webhook::{Redelivery, WebhookAnswer, WebhookFailure, WebhookRequest, WebhookTransport, redeliver};
