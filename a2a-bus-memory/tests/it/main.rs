//! The bus's tests: the contract, and what it promises beyond.

#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

mod bus;
mod conformance;
