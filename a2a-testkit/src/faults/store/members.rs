//! The members of a faulty store.

use a2a_core::{Beat, Eviction, ExecutingPage, InstanceId, Member, Membership, Result, TaskKey};
use async_trait::async_trait;

use super::FaultyStore;
use crate::faults::Action;

#[async_trait]
impl Membership for FaultyStore {
    async fn beat(&self, me: &Member) -> Result<Beat> {
        self.is_used_by(me.id);
        let (beyond, me) = (self.beyond(), me.clone());
        self.write_as(Action::Beat, async move { beyond.inner.beat(&me).await }).await
    }

    async fn member(&self, who: &InstanceId) -> Result<Option<Member>> {
        self.read(self.inner.member(who)).await
    }

    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>> {
        self.read(self.inner.roster(after, limit)).await
    }

    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        let (beyond, who) = (self.beyond(), *who);
        self.write(async move { beyond.inner.evict(&who, at_beat).await }).await
    }

    async fn remove(&self, who: &InstanceId) -> Result<()> {
        let (beyond, who) = (self.beyond(), *who);
        self.write(async move { beyond.inner.remove(&who).await }).await
    }

    async fn executing(&self, who: &InstanceId, after: Option<&TaskKey>) -> Result<ExecutingPage> {
        self.read(async {
            let mut page = self.inner.executing(who, after).await?;
            self.weather.index().lag_executing(who, after.is_none(), &mut page);
            Ok(page)
        })
        .await
    }
}
