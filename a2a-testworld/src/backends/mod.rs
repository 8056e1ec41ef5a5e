//! What a fleet can stand on: a store and a bus for each instance, from one place.

mod memory;
mod weathered;

use std::fmt;
use std::sync::Arc;

use a2a_core::{EventBus, Membership, Store};
use async_trait::async_trait;

pub use memory::{InMemory, store};
pub use weathered::Weathered;

/// What one instance has for itself.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Where its tasks are.
    pub store: Arc<dyn Store>,
    /// How it hears of others.
    pub bus: Arc<dyn EventBus>,
}

/// A place for one fleet, which nobody else uses.
#[async_trait]
pub trait Backends: fmt::Debug + Send + Sync + 'static {
    /// Opens what one more instance needs: as another process would, with clients of its own. Called within
    /// the runtime of that instance.
    async fn open(&self) -> Backend;

    /// What there is besides tasks, in words: members, queues, subscriptions. Nothing, once all instances have shut
    /// down; the records of those that were evicted, which stay for a while, do not count.
    async fn left(&self) -> Vec<String>;
}

/// The members that a store has on record and that may still live, in words.
///
/// # Panics
///
/// Where the store cannot be read.
pub async fn members(store: &dyn Membership) -> Vec<String> {
    let members = store.roster(None, 100).await.unwrap();
    let members = members.iter().filter(|member| !member.state.is_final());
    members.map(|member| format!("member {} ({:?})", member.id, member.state)).collect()
}
