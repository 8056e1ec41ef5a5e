#![doc = include_str!("../README.md")]
#![doc(html_no_source)]

mod acknowledge;
mod arn;
mod backoff;
mod bus;
mod carrier;
mod clients;
mod config;
mod error;
mod inbox;
mod janitor;
mod lane;
mod lifecycle;
mod meter;
mod names;
mod outbox;
mod parcel;
mod policy;
mod receiver;
mod removal;
mod renewal;
mod scale;
mod topic;
mod triage;

pub use arn::TopicArn;
pub use bus::SnsSqsBus;
pub use clients::Clients;
pub use config::{Config, ConfigError, Deployment, Encryption};
pub use janitor::{Cause, Janitor, Pass, Removal, Rules};
pub use lifecycle::{Leftover, ProvisionedQueue, QueueLifecycle};
pub use topic::create_topic;
