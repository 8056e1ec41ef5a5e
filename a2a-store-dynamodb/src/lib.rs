#![doc = include_str!("../README.md")]

mod attributes;
mod calls;
mod client;
mod commit;
mod config;
mod delete;
mod deployment;
mod draft;
mod error;
mod format;
mod given_up;
mod head;
mod headwrite;
mod keys;
mod list;
mod load;
mod log;
mod membership;
mod order;
mod parts;
mod payload;
mod policy;
mod push;
mod release;
mod replay;
mod snapshot;
mod store;
mod summary;
pub mod table;
mod tally;
mod watch;
mod whole;

pub use config::DynamoDbConfig;
pub use error::Fault;
pub use policy::SnapshotPolicy;
pub use store::DynamoDbStore;
