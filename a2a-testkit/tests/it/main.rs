//! What the testkit says of backends is true: it accepts right ones and rejects broken ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is test code"
)]

mod broken_backends;
mod contracts;
mod faults;
mod fixtures;
mod pages;
mod reference;
