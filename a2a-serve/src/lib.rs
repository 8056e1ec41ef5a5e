#![doc = include_str!("../README.md")]
//!
//! [`bindings`] serves any [`RequestHandler`](a2a_server::RequestHandler) where you bring the rest yourself. [`HttpWebhooks`]
//! posts push notifications, [`GatewayHeader`] tells callers apart, [`Metrics`] shows what is measured.

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
