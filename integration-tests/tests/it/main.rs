//! Several instances on real backends, and what holds for the repository.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what helps a test may fail like one"
)]

mod account;
mod arrows;
mod bad_weather;
mod behind_a_proxy;
mod bus_weather;
mod deployment;
mod documents;
mod files;
mod modules;
mod operating;
mod scenarios;
