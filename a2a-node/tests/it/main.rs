//! The node's tests: the real binary, as its users meet it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails here says so"
)]

mod alarms;
#[cfg(feature = "aws")]
mod aws;
mod bounds;
mod callers;
mod demo;
mod health;
mod help;
mod instances;
mod node;
#[cfg(feature = "otlp")]
mod otlp;
mod scale_in;
mod serve;
mod webhooks;
