//! The store's tests: the contract, and what it promises beyond.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails here says so")]

mod bounds;
mod conformance;
mod listing;
mod storm;
