//! The suites can fail: each broken backend is rejected by the sentences that it breaks, and the unbroken
//! reference by none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is test code"
)]

#[path = "../reference/mod.rs"]
mod reference;

mod bus_flaw;
mod buses;
mod commits;
mod conforming;
mod facts;
mod flaw;
mod lists;
mod members;
mod verdict;
mod webhooks;
