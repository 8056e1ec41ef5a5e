//! Counted calls about members.

use a2a_core::{Beat, Eviction, ExecutingPage, InstanceId, Member, Membership, Result, TaskKey};
use async_trait::async_trait;

use super::{Counted, read_units};

/// A member's item.
const MEMBER_BYTES: usize = 100;
/// A look into an index that may lag is half a unit; each task that it names is looked up.
const INDEX_UNITS: f64 = 0.5;

#[async_trait]
impl Membership for Counted {
    async fn beat(&self, me: &Member) -> Result<Beat> {
        self.alive().await;
        self.counters.write("beat", 1.0);
        self.store.beat(me).await
    }

    async fn member(&self, who: &InstanceId) -> Result<Option<Member>> {
        self.alive().await;
        self.counters.read("member", 1.0);
        self.store.member(who).await
    }

    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>> {
        self.alive().await;
        let members = self.store.roster(after, limit).await?;
        self.counters.read("roster", read_units(members.len() * MEMBER_BYTES));
        Ok(members)
    }

    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        self.alive().await;
        self.counters.write("evict", 1.0);
        self.store.evict(who, at_beat).await
    }

    async fn remove(&self, who: &InstanceId) -> Result<()> {
        self.alive().await;
        self.counters.write("remove", 1.0);
        self.store.remove(who).await
    }

    async fn executing(&self, who: &InstanceId, after: Option<&TaskKey>) -> Result<ExecutingPage> {
        self.alive().await;
        let page = self.store.executing(who, after).await?;
        self.counters.read("executing", INDEX_UNITS + page.tasks.len() as f64);
        Ok(page)
    }
}
