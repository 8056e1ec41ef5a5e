//! What an operator sees: metrics, one trace across instances, readiness, and never what a message says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail, and its runtime ends with it"
)]

#[path = "../world/mod.rs"]
mod world;

mod faulty;
mod logs;
mod metrics;
mod readiness;
mod secrets;
mod traces;
