//! The cluster's tests: instances in one process, over backends in memory. In bad weather from many seeds:
//! `tests/simulation`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail, and its runtime ends with it"
)]

mod bindings;
mod crash;
mod execution;
mod idempotency;
mod members;
mod resume;
mod rolling;
mod sdk_store;
mod spacing;
mod streams;
mod telemetry;
mod too_large;
mod traffic;
mod turns;
mod webhooks;
mod world;
