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

pub mod bus;
pub mod caller;
pub mod commit;
pub mod deployment;
pub mod env;
pub mod error;
pub mod history;
pub mod ids;
pub mod membership;
pub mod message;
pub mod page;
pub mod push;
pub mod reduce;
pub mod replay;
pub mod store;
pub mod weight;
pub mod wire;

#[cfg(test)]
mod samples;

pub use bus::{Delivery, Endpoint, EventBus};
pub use caller::CallerContext;
pub use commit::{Claim, ClaimChange, Commit, CommitRecord, Outcome, Tip};
pub use deployment::{Deployment, Format, Key, Keys};
pub use env::{Env, SystemEnv};
pub use error::{BackendError, Result};
pub use ids::{CommitId, Generation, InstanceId, Principal, TaskKey, Tenant, Version};
pub use membership::{Beat, Eviction, ExecutingPage, Member, MemberState, Membership};
pub use message::{BusMessage, CancelKey, CancelRequest, News, Reach, Recipient};
pub use page::{Cursor, FillingPage, PageToken, TaskPage, TaskQuery};
pub use push::{GivenUpCursor, GivenUpDelivery, PushConfigs, PushSubscription};
pub use replay::fold;
pub use store::{Replay, Store, StoredTask, TaskHead, TaskStore};
