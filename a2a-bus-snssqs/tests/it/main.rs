//! The bus's tests, against the service itself where there is an endpoint, and against a fake one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod across_processes;
mod common;
mod conformance;
mod connecting;
mod cost;
mod hostile;
mod inventory;
mod paging;
mod receiving;
mod releasing;
mod settings;
mod subscribing;
