#![doc = include_str!("../README.md")]

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
mod files;
mod fleet;
mod health;
mod label;
mod listen;
mod log;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(not(feature = "otlp"))]
#[path = "without_otlp.rs"]
mod otlp;
mod report;
mod scale_in;
mod serve;
mod webhooks;

pub use app::run;
#[cfg(feature = "aws")]
pub use aws::meter;
