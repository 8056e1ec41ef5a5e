//! A store for instances that live in one process: tasks, members and push configs in memory.
#![doc(html_no_source)]

mod claims;
mod commit;
mod config;
mod entry;
mod executing;
mod listing;
mod location;
mod log;
mod members;
mod page;
mod retention;
mod shards;
mod store;
mod tasks;
mod webhooks;
mod weight;

pub use config::Config;
pub use store::MemoryStore;
