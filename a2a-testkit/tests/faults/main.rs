//! The wrappers inject what the forecast says, and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is test code"
)]

#[path = "../reference/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the broken backends need more of it")]
mod reference;

mod bus;
mod calm;
mod frozen;
mod simulations;
mod store;
