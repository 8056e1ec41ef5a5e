//! The A2A SDK's request handler over any store and bus, so that a server runs as many instances.
//!
//! Any request may land on any instance, and the client cannot tell. Agents implement the SDK's
//! [`AgentExecutor`](a2a_server::AgentExecutor), unchanged. Start with [`Cluster::builder`].

#[doc(hidden)]
pub mod actor;
pub mod bindings;
mod builder;
mod bus_loop;
mod caller;
mod cluster;
mod config;
mod connection;
mod current;
mod error;
mod handler;
mod instance;
mod limits;
mod liveness;
mod members;
pub mod resume;
mod retry;
mod sdk_store;
mod setup;
pub mod telemetry;
mod waker;
mod webhook;
mod weight;

pub use bindings::unavailable::{unauthenticated, unavailable};
pub use builder::{ClusterBuilder, StartError};
pub use caller::{Caller, CallerResolver, SinglePrincipal};
pub use cluster::{Cluster, Leftovers};
pub use config::{Config, ExecutorLost, Limits, MessageIds};
pub use handler::ClusterHandler;
pub use sdk_store::SdkTaskStore;
pub use webhook::Webhooks;
