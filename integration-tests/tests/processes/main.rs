//! Real processes, and clients that survive what befalls them; a program of its own, because leases are real time.
//!
//! Beside other tests a process that lives may beat too late and be declared dead.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what helps a test may fail like one"
)]

mod freezing;
mod killing;
mod load;
mod other_languages;
mod outages;
mod restarting;
mod stage;
