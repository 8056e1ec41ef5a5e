//! The cluster's tests: instances in one process, over backends in memory. In bad weather from many seeds:
//! `tests/simulation`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail, and its runtime ends with it"
)]

mod admission;
mod agent_limits;
mod blocked_workers;
mod blocking_agents;
mod callers;
mod claims;
mod commands_come_first;
mod crash;
mod cut_off;
mod denied;
mod execution;
mod fairness;
mod forgetting;
mod hung_bus;
mod idempotency;
mod later_lives;
mod liveness;
mod members;
mod overload;
mod pages;
mod panics;
mod positions;
mod readers_are_fed;
mod refused_commits;
mod repeats;
mod resume;
mod retry_budget;
mod rolling;
mod sdk_store;
mod single_faults;
mod spacing;
mod streams;
mod telemetry;
mod too_large;
mod traffic;
mod turns;
mod unknown_outcomes;
mod unruly_agents;
mod waiting;
mod webhooks;
mod world;
