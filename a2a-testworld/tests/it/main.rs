//! The weather, seen by the plain SDK.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod back_pressure;
mod bill;
mod binary;
mod index_lag;
mod limits;
mod messaging;
mod network;
mod passing;
mod place;
mod refusals;
mod seeds;
