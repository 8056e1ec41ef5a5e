//! `a2a-node`: an A2A server that runs as one or many instances, and a demo that counts what arrives.
//!
//! A library so that a workspace may have the binary once more under another package, by [`run`], the whole of `main`;
//! and, with the feature `aws`, to share what counts the cost of calls to AWS.

mod agent;
mod app;
#[cfg(feature = "aws")]
mod aws;
#[cfg(not(feature = "aws"))]
#[path = "without_aws.rs"]
mod aws;
mod backends;
mod card;
mod cli;
mod demo;
mod fleet;
mod health;
mod listen;
mod log;
mod metrics;
mod principal;
mod report;
mod seat;
mod serve;
mod signals;
mod tuning;
mod whereabouts;

pub use app::run;
#[cfg(feature = "aws")]
pub use aws::meter;
