//! The members of a faulty store.

use a2a_core::{Beat, Eviction, InstanceId, Member, Membership, Result, TaskKey};
use async_trait::async_trait;

use super::FaultyStore;

#[async_trait]
impl Membership for FaultyStore {
    async fn beat(&self, me: &Member) -> Result<Beat> {
        self.write(self.inner.beat(me)).await
    }

    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>> {
        self.read(self.inner.roster(after, limit)).await
    }

    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        self.write(self.inner.evict(who, at_beat)).await
    }

    async fn remove(&self, who: &InstanceId) -> Result<()> {
        self.write(self.inner.remove(who)).await
    }

    async fn executing(&self, who: &InstanceId) -> Result<Vec<TaskKey>> {
        self.read(self.inner.executing(who)).await
    }
}
