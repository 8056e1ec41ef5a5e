//! What a fleet can stand on: a store and a bus for each instance, from one place.

#![allow(clippy::unwrap_used, reason = "what fails here is a test that fails")]

mod aws;
mod memory;
mod mixed;
mod weathered;

use std::fmt;
use std::sync::Arc;

use a2a_core::{EventBus, InstanceId, Membership, Store};
use async_trait::async_trait;

pub use aws::OnAws;
pub use memory::InMemory;
pub use mixed::{StoreOnAws, TrafficOnAws};
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

    /// Removes what instances left behind that died, as an operator's janitor does.
    async fn sweep(&self);

    /// What there is besides tasks, in words: membership records, queues, subscriptions. Nothing, once all
    /// instances have shut down.
    async fn left(&self) -> Vec<String>;
}

async fn members(store: &dyn Membership) -> Vec<String> {
    let members = store.roster(None, 100).await.unwrap();
    members.iter().map(|member| format!("member {} ({:?})", member.id, member.state)).collect()
}

fn new_instance() -> InstanceId {
    InstanceId::generate(&a2a_core::SystemEnv)
}
