#![doc = include_str!("../README.md")]
//!
//! Start with [`Cluster::builder`].

#[doc(hidden)]
pub mod actor;
mod admission;
mod alarm;
mod caller;
mod cluster;
mod ground;
mod handler;
mod instance;
mod limits;
mod members;
pub mod resume;
mod sdk_store;
mod webhook;
mod weight;

pub use caller::{Caller, CallerResolver, SinglePrincipal};
pub use cluster::{BusState, Cluster, ClusterBuilder, Leftovers, Readiness, StartError, Unready};
pub use ground::telemetry;
pub use ground::unavailable::{is_unauthenticated, retry_after, unauthenticated, unavailable};
pub use ground::{Config, ExecutorLost, Limits, MessageIds, Webhooks};
pub use handler::ClusterHandler;
pub use sdk_store::SdkTaskStore;
pub use webhook::{WebhookAnswer, WebhookFailure, WebhookRequest, WebhookTransport};
