//! The unbroken reference passes every suite, and so does one that takes every freedom that a contract gives.

use std::sync::Arc;

use a2a_core::{ClaimChange, Commit, Outcome, Replay, Result, Store, TaskKey, TaskStore, Version};
use a2a_testkit::{Fixture, StoreFixture, async_trait};

use super::flaw::{Flaw, Flawed};
use crate::reference::{Location, Meeting, Reference};

a2a_testkit::task_store_suite!(Location);
a2a_testkit::membership_suite!(Location);
a2a_testkit::push_configs_suite!(Location);
a2a_testkit::deployment_suite!(Location);
a2a_testkit::event_bus_suite!(Meeting);

/// Writes the head with a claim only, and keeps the latest commits only.
struct Frugal;

/// How many commits of a task are kept.
const KEPT: u64 = 30;

#[async_trait]
impl Flaw for Frugal {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let (change, tip) = (commit.claim_change(), commit.tip());
        let before = right.load(key).await?;
        let lasting = if change == ClaimChange::End { commit.claim(ClaimChange::Keep) } else { commit };
        let outcome = right.commit(key, lasting).await?;
        if let (Some(before), Some(entry)) = (before, right.state().tasks.get_mut(key))
            && before.version < tip.version
            && entry.stored.version == tip.version
            && !matches!(change, ClaimChange::Make { .. })
        {
            entry.stored.head.generation = before.head.generation;
        }
        Ok(outcome)
    }

    async fn commits_after(&self, right: &Reference, key: &TaskKey, after: Version) -> Result<Replay> {
        let stored = right.load(key).await?;
        match stored {
            Some(stored) if stored.version.get() > after.get() + KEPT => {
                Ok(Replay::Snapshot(Box::new(stored)))
            }
            _ => right.commits_after(key, after).await,
        }
    }
}

/// A location of such stores.
struct Sparing(Location);

#[async_trait]
impl Fixture for Sparing {
    async fn open() -> Option<Self> {
        Location::open().await.map(Sparing)
    }

    async fn close(&self) {
        self.0.close().await;
    }
}

#[async_trait]
impl StoreFixture for Sparing {
    async fn handle(&self) -> Arc<dyn Store> {
        Arc::new(Flawed { right: self.0.reference(), flaw: Frugal })
    }
}

/// What a store may leave out, it may leave out: no sentence asks for more than the contract says.
mod sparing {
    use super::Sparing;

    a2a_testkit::task_store_suite!(Sparing);
    a2a_testkit::membership_suite!(Sparing);
}
