#![doc = include_str!("../README.md")]

pub mod bus;
pub mod caller;
pub mod commit;
pub mod context;
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
pub mod retry_budget;
pub mod store;
pub mod trouble;
pub mod weight;
pub mod wire;

#[cfg(test)]
mod samples;

pub use bus::{Delivery, Endpoint, EventBus};
pub use caller::CallerContext;
pub use commit::{Claim, ClaimChange, Commit, CommitRecord, Outcome, Tip};
pub use context::{context_of, first_task_of};
pub use deployment::{Deployment, Format, Key, Keys};
pub use env::{Env, SystemEnv};
pub use error::{BackendError, Result};
pub use ids::{CommitId, Generation, InstanceId, Principal, TaskKey, Tenant, Version};
pub use membership::{Beat, Eviction, ExecutingPage, Member, MemberState, Membership};
pub use message::{BusMessage, CancelKey, CancelRequest, News, Reach, Recipient};
pub use page::{Cursor, FillingPage, KeyPage, PageToken, TaskPage, TaskQuery};
pub use push::{
    ConfigRevision, DeliveryId, GivenUpCursor, GivenUpDelivery, PushConfigs, PushDelivery, PushNext,
    PushProgress, PushSubscription,
};
pub use replay::fold;
pub use retry_budget::{AttemptObserver, FailedAttempt, RetryBudget};
pub use store::{Purged, Replay, Store, StoredTask, TaskHead, TaskStore};
pub use trouble::Trouble;
