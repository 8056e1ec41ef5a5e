//! The A2A SDK's request handler over any store and bus, so that a server runs as many instances.
//!
//! Any request may land on any instance, and the client cannot tell. Agents implement the SDK's
//! [`AgentExecutor`](a2a_server::AgentExecutor), unchanged. Start with [`Cluster::builder`].

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
mod position;
pub mod resume;
mod sdk_store;
mod webhook;

pub use caller::{Caller, CallerResolver, SinglePrincipal};
pub use cluster::{BusState, Cluster, ClusterBuilder, Leftovers, Readiness, StartError, Unready};
pub use ground::telemetry;
pub use ground::unavailable::{is_unauthenticated, retry_after, unauthenticated, unavailable};
pub use ground::{Config, ExecutorLost, Limits, MessageIds, Webhooks};
pub use handler::ClusterHandler;
pub use position::{EventIndex, Position, PositionedEvent, PositionedEvents, PositionedStreams};
pub use sdk_store::SdkTaskStore;
pub use webhook::{WebhookAnswer, WebhookFailure, WebhookRequest, WebhookTransport};
