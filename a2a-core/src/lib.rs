//! Contracts and value types for A2A servers that run as many instances.
//!
//! Everything else in the workspace depends on this crate; it depends on the SDK's data types only. It does
//! no I/O and knows no runtime.
//!
//! The one idea: **the store is the truth, the bus is a hint.** Every change to a task is one [`Commit`], an
//! atomic compare-and-append to that task's log in a [`TaskStore`]. The [`EventBus`] carries news of commits;
//! it may lose, repeat or reorder them, because each names its [`Version`] and the store has them all.
//!
//! Start with [`store`], which is also the guide for whoever implements a backend.
#![doc(html_no_source)]

pub mod ambient;
pub mod bus;
pub mod commit;
pub mod error;
pub mod history;
pub mod ids;
pub mod membership;
pub mod page;
pub mod push;
pub mod reduce;
pub mod store;
pub mod wire;

#[cfg(test)]
mod samples;

pub use ambient::{Ambient, SystemAmbient};
pub use bus::{BusMessage, Delivery, EventBus, News};
pub use commit::{Commit, CommitRecord, Executor, ExecutorChange, Outcome, Replay};
pub use error::{BackendError, Result};
pub use ids::{CommitId, InstanceId, Principal, TaskKey, Tenant, Version};
pub use membership::{Beat, Eviction, Member, MemberState, Membership};
pub use page::{Cursor, PageToken, TaskPage, TaskQuery};
pub use push::{PushConfigs, PushSubscription};
pub use store::{Store, StoredTask, TaskHead, TaskStore};
