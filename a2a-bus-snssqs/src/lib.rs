#![doc = include_str!("../README.md")]

mod acknowledge;
mod arn;
mod backoff;
mod bus;
mod carrier;
mod clients;
mod config;
mod endpoint;
mod error;
mod finder;
mod inbox;
mod lane;
mod listing;
mod meter;
mod names;
mod orphans;
mod outbox;
mod parcel;
mod policy;
mod receiver;
mod resources;
mod scale;
mod subscriber;
mod topic;
mod triage;

pub use arn::TopicArn;
pub use bus::SnsSqsBus;
pub use clients::Clients;
pub use config::{ConfigError, Encryption, SnsSqsConfig};
pub use orphans::Inventory;
pub use topic::create_topic;
