#![doc = include_str!("../README.md")]
//!
//! [`bindings`] serves any [`RequestHandler`](a2a_server::RequestHandler) where you bring the rest yourself. [`HttpWebhooks`]
//! posts push notifications, [`GatewayHeader`] tells callers apart, [`Cors`] lets browsers in, [`Metrics`] shows what is
//! measured.

pub mod bindings;
mod callers;
mod cors;
mod health;
mod metrics;
mod reflection;
mod server;
mod webhooks;

pub use callers::GatewayHeader;
pub use cors::{Cors, CorsOrigins};
pub use metrics::{Metrics, MetricsError};
pub use server::{Server, ServerError, Serving, Signals};
pub use webhooks::{HttpWebhooks, WebhookSettingsError};
