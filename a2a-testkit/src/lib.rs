#![doc = include_str!("../README.md")]
//!
//! Start with [`fixture`]. Who writes a server wraps its backends in [`FaultyStore`] and [`FaultyBus`], runs it under
//! [`simulate()`], and, with the feature `agent`, tells the one agent of all tests what to do.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failed assertion is how a suite speaks, and nothing but tests depends on this crate"
)]

#[cfg(feature = "agent")]
pub mod agent;
pub mod audit;
pub mod card;
pub mod deployment;
pub mod endpoint;
pub mod env;
pub mod event_bus;
pub mod faults;
pub mod fixture;
pub mod membership;
pub mod push_configs;
pub mod sample;
pub mod sentences;
pub mod simulate;
pub mod task_store;
pub mod trace;

mod expect;
mod run;
mod suites;

#[cfg(feature = "agent")]
pub use agent::ScriptedAgent;
pub use audit::{Findings, TaskLog};
pub use card::card;
pub use env::SeededEnv;
pub use faults::{Action, Delay, FaultyBus, FaultyEndpoint, FaultyStore, Forecast, Late, Weather};
pub use fixture::{BusFixture, Fixture, StoreFixture};
pub use run::run;
pub use sentences::Sentence;
pub use simulate::{assert_replays, seeds, simulate};
pub use trace::Trace;

#[doc(no_inline)]
pub use async_trait::async_trait;
