//! The node on AWS, as an operator uses it: make, check, serve, look, clean up.
#![cfg(feature = "aws")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failure here is a test that failed"
)]

#[path = "../node/mod.rs"]
mod node;

mod deaths;
mod denied;
mod doctor;
mod gatekeeper;
mod provision;
mod reap;
mod serving;
mod site;
mod status;
