#![doc = include_str!("../README.md")]

mod commit;
mod commits_after;
mod config;
mod delete;
mod deployment;
mod fence;
mod items;
mod list;
mod load;
mod log;
mod log_stats;
mod membership;
mod parts;
mod purge;
mod push_configs;
mod release;
mod requests;
mod retention;
mod snapshots;
mod store;
pub mod table;
mod upkeep;
mod watch;

pub use config::{DynamoDbConfig, SnapshotPolicy};
pub use requests::Fault;
pub use store::DynamoDbStore;
