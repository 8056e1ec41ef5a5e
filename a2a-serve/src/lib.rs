//! From the network to a [`Cluster`](a2a_cluster::Cluster), or to any
//! [`RequestHandler`](a2a_server::RequestHandler).
//!
//! [`Server`] is an agent on a socket, complete. [`bindings`] serves a handler over JSON-RPC, REST and gRPC where you bring the
//! rest yourself; [`HttpWebhooks`] posts push notifications, [`GatewayHeader`] tells callers apart, [`Metrics`] shows what is
//! measured.

pub mod bindings;
mod callers;
mod health;
mod metrics;
mod server;
mod webhooks;

pub use callers::GatewayHeader;
pub use metrics::{Metrics, MetricsError};
pub use server::{Server, ServerError, Serving, Signals};
pub use webhooks::HttpWebhooks;
