//! The members of the reference store.

use a2a_core::{Beat, Eviction, InstanceId, Member, MemberState, Membership, Result, TaskKey};
use async_trait::async_trait;

use super::Reference;

#[async_trait]
impl Membership for Reference {
    async fn beat(&self, me: &Member) -> Result<Beat> {
        let mut state = self.state();
        match state.members.get(&me.id) {
            Some(known) if known.state == MemberState::Evicted => return Ok(Beat::Evicted),
            None if me.beat > 0 => return Ok(Beat::Evicted),
            _ => {}
        }
        state.members.insert(me.id, me.clone());
        Ok(Beat::Alive)
    }

    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>> {
        let state = self.state();
        let follows = |member: &&Member| after.is_none_or(|after| member.id > *after);
        Ok(state.members.values().filter(follows).take(limit).cloned().collect())
    }

    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        Ok(match self.state().members.get_mut(who) {
            None => Eviction::Absent,
            Some(member) if member.state == MemberState::Evicted => Eviction::Evicted,
            Some(member) if member.beat != at_beat => Eviction::Moved { beat: member.beat },
            Some(member) => {
                member.state = MemberState::Evicted;
                Eviction::Evicted
            }
        })
    }

    async fn remove(&self, who: &InstanceId) -> Result<()> {
        self.state().members.remove(who);
        Ok(())
    }

    async fn executing(&self, who: &InstanceId) -> Result<Vec<TaskKey>> {
        let state = self.state();
        let runs = state.tasks.iter().filter(|(_, entry)| {
            entry.stored.head.executor.is_some_and(|executor| executor.instance == *who)
        });
        Ok(runs.map(|(key, _)| key.clone()).take(100).collect())
    }
}
