//! Real processes on AWS services behind a load balancer: what befalls them, clients survive.

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
