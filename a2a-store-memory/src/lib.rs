#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! ```text
//!  MemoryStore ──┐              ┌─ shard 0 ─┐ … ┌─ shard 31 ┐   key ─▶ log, task, head; webhooks
//!  (clone)     ──┼─▶ location ──┼─ listing: owner ─▶ context ─▶ state ─▶ positions, in order
//!  (clone)     ──┘              └─ executing · retention · members · given up · keys
//! ```
//!
//! A commit appends its record, shared with whoever streams it, to the task's log and copies nothing. Records
//! are folded into the task when it is read, or when they leave the log: once each. So a commit costs what it
//! holds, however large its task is. Reads copy the task once, after they have let go of its lock. Commits
//! that change no status leave the listing alone.
//!
//! # Limits
//!
//! [`MemoryStoreConfig`] bounds each task's log, the number of finished tasks, the logs of these together, and the list of
//! deliveries that were given up. Running and parked tasks are never dropped, so their number and size are for the caller to bound.
//! Everything is gone with the last clone. No id and no commit is too large.
//!
//! A page of a list costs what is on it, whatever the filters. So does its total, but with a time filter: that
//! counts the positions from the given time on.

mod commit;
mod config;
mod deployment;
mod entry;
mod executing;
mod given_up;
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

pub use config::MemoryStoreConfig;
pub use store::MemoryStore;
