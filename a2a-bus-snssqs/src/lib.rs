#![doc = include_str!("../README.md")]

mod acknowledge;
mod arn;
mod autoscale;
mod backoff;
mod batcher;
mod bus;
mod classify;
mod clients;
mod config;
mod encoded;
mod endpoint;
mod error;
mod finder;
mod inbox;
mod listing;
mod meter;
mod names;
mod orphans;
mod outbox;
mod policy;
mod probe;
mod receiver;
mod resources;
mod sender;
mod subscriber;
mod topic;

pub use arn::TopicArn;
pub use bus::SnsSqsBus;
pub use clients::Clients;
pub use config::{ConfigError, Encryption, SnsSqsConfig};
pub use orphans::Inventory;
pub use topic::{create_topic, protect_topic, topic_lets_through};
