//! What a fleet can stand on: a store and a bus for each instance, from one place.

mod memory;
mod weathered;
mod without_a_bus;

use std::fmt;
use std::sync::Arc;

use a2a_core::{EventBus, Member, Membership, Store};
use async_trait::async_trait;

pub use memory::{InMemory, store};
pub use weathered::Weathered;
pub use without_a_bus::WithoutABus;

/// What one instance has for itself.
#[derive(Debug, Clone)]
pub struct Backend {
    /// Where its tasks are.
    pub store: Arc<dyn Store>,
    /// How it hears of others, where it does.
    pub bus: Option<Arc<dyn EventBus>>,
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

/// All members that a store has on record, those that were evicted included.
///
/// # Panics
///
/// Where the store cannot be read.
pub async fn roster(store: &dyn Membership) -> Vec<Member> {
    let (mut members, mut after) = (Vec::new(), None);
    loop {
        let page = store.roster(after.as_ref(), 100).await.unwrap();
        let Some(last) = page.last() else { return members };
        after = Some(last.id);
        members.extend(page);
    }
}

/// The members that a store has on record and that may still live, in words.
///
/// # Panics
///
/// Where the store cannot be read.
pub async fn members(store: &dyn Membership) -> Vec<String> {
    let members = roster(store).await.into_iter().filter(|member| !member.state.is_final());
    members.map(|member| format!("member {} ({:?})", member.id, member.state)).collect()
}
