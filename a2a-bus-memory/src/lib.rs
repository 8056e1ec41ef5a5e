//! An event bus for instances that live in one process: one queue per endpoint, one endpoint per instance.
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
//! Each queue holds [`Config::queue_messages`] at most. A reader that falls further behind loses its oldest
//! messages, so that the next one it reads shows the gap; [`MemoryEndpoint::dropped`] counts them. Sending never
//! waits, whoever reads or does not.
//!
//! ```
//! use a2a_bus_memory::MemoryBus;
//! use a2a_core::{BusMessage, Endpoint, InstanceId, News, Recipient, SystemEnv, TaskKey, Tenant};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let bus = MemoryBus::new();
//! let a = bus.endpoint(InstanceId::generate(&SystemEnv));
//! let b = bus.endpoint(InstanceId::generate(&SystemEnv));
//!
//! let task = TaskKey::new(Tenant::default(), "t-1");
//! let message = BusMessage { from: a.me(), task, news: News::Configs, trace: None };
//! let delivery = a.send(&[Recipient::direct(b.me())], &message).await?;
//! assert!(delivery.gone.is_empty());
//! assert_eq!(b.receive().await?, [message]);
//! # Ok::<_, a2a_core::BackendError>(()) }).unwrap();
//! ```

mod bus;
mod config;
mod endpoint;
mod queue;
mod queues;

pub use bus::MemoryBus;
pub use config::Config;
pub use endpoint::MemoryEndpoint;
