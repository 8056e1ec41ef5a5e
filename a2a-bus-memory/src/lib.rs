//! An event bus for instances that live in one process: one hub, one endpoint per instance.
//!
//! ```text
//!  endpoint A ──send──▶ ┌───────────────── hub ─────────────────┐
//!                       │ instance id ─▶ queue (bounded, FIFO)  │ ──receive──▶ endpoint B
//!  endpoint C ──send──▶ └───────────────────────────────────────┘ ──receive──▶ endpoint C
//! ```
//!
//! A hub is a world: endpoints of one hub reach each other and nobody else. A message is stored once for all
//! its recipients, and its commits are never copied.
//!
//! # Limits
//!
//! Each queue holds [`Config::queue_messages`] at most. A reader that falls further behind loses its oldest
//! messages, so that the next one it reads shows the gap; [`MemoryBus::dropped`] counts them. Sending never
//! waits, whoever reads or does not.
//!
//! ```
//! use a2a_bus_memory::MemoryBus;
//! use a2a_core::{BusMessage, EventBus, InstanceId, News, SystemEnv, TaskKey, Tenant};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let hub = MemoryBus::hub();
//! let a = hub.endpoint(InstanceId::generate(&SystemEnv));
//! let b = hub.endpoint(InstanceId::generate(&SystemEnv));
//!
//! let task = TaskKey::new(Tenant::default(), "t-1");
//! let message = BusMessage { from: a.me(), task, news: News::Cancel, trace: None };
//! let delivery = a.send(&[b.me()], &message).await?;
//! assert!(delivery.gone.is_empty());
//! assert_eq!(b.receive().await?, [message]);
//! # Ok::<_, a2a_core::BackendError>(()) }).unwrap();
//! ```
#![doc(html_no_source)]

mod config;
mod endpoint;
mod hub;
mod queue;

pub use config::Config;
pub use endpoint::MemoryBus;
pub use hub::MemoryHub;
