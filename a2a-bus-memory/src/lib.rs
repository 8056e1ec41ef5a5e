#![doc = include_str!("../README.md")]
//!
//! # How it works
//!
//! ```text
//!  endpoint A ──send──▶ ┌───────────────── bus ─────────────────┐
//!                       │ instance id ─▶ queue (bounded, FIFO)  │ ──receive──▶ endpoint B
//!  endpoint C ──send──▶ └───────────────────────────────────────┘ ──receive──▶ endpoint C
//! ```
//!
//! A bus is a world: endpoints of one bus, and of its clones, reach each other and nobody else. A message is
//! stored once for all its recipients, and its commits are never copied.
//!
//! # Limits
//!
//! Each queue holds [`MemoryBusConfig::queue_messages`] at most. A reader that falls further behind loses its oldest
//! messages, so that the next one it reads shows the gap; [`MemoryEndpoint::dropped`] counts them. Sending never
//! waits, whoever reads or does not.

mod bus;
mod config;
mod endpoint;
mod queue;
mod queues;

pub use bus::MemoryBus;
pub use config::MemoryBusConfig;
pub use endpoint::MemoryEndpoint;
