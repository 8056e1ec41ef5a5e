//! The membership contract, on a shared location.

use std::collections::btree_map::Entry;
use std::ops::Bound;

use a2a_core::{Beat, Eviction, ExecutingPage, InstanceId, Member, MemberState, Membership, Result, TaskKey};
use async_trait::async_trait;
use tokio::task::consume_budget;

use crate::MemoryStore;
use crate::shards::lock;

#[async_trait]
impl Membership for MemoryStore {
    async fn beat(&self, me: &Member) -> Result<Beat> {
        consume_budget().await;
        let mut members = lock(&self.location.members);
        match members.entry(me.id) {
            Entry::Vacant(_) if me.beat > 0 => Ok(Beat::Evicted),
            Entry::Vacant(free) => {
                free.insert(me.clone());
                Ok(Beat::Alive)
            }
            Entry::Occupied(record) if record.get().state.is_final() => Ok(Beat::Evicted),
            Entry::Occupied(mut record) => {
                // A delayed beat must not take the counter back: observers would see it move.
                if me.beat >= record.get().beat {
                    record.insert(me.clone());
                }
                Ok(Beat::Alive)
            }
        }
    }

    async fn member(&self, who: &InstanceId) -> Result<Option<Member>> {
        consume_budget().await;
        Ok(lock(&self.location.members).get(who).cloned())
    }

    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>> {
        consume_budget().await;
        let from = after.map_or(Bound::Unbounded, |id| Bound::Excluded(*id));
        let members = lock(&self.location.members);
        Ok(members.range((from, Bound::Unbounded)).take(limit).map(|(_, member)| member.clone()).collect())
    }

    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        consume_budget().await;
        let mut members = lock(&self.location.members);
        Ok(match members.get_mut(who) {
            None => Eviction::Absent,
            Some(member) if member.state.is_final() => Eviction::Evicted,
            Some(member) if member.beat == at_beat => {
                member.state = MemberState::Evicted;
                Eviction::Evicted
            }
            Some(member) => Eviction::Moved { beat: member.beat },
        })
    }

    async fn remove(&self, who: &InstanceId) -> Result<()> {
        consume_budget().await;
        lock(&self.location.members).remove(who);
        Ok(())
    }

    async fn executing(&self, who: &InstanceId, after: Option<&TaskKey>) -> Result<ExecutingPage> {
        consume_budget().await;
        let limit = self.location.config.executing_page;
        Ok(lock(&self.location.executing).page(who, after, limit))
    }
}
