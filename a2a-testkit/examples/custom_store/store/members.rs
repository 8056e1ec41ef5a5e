//! The members: who is alive, and what each of them executes.

use std::collections::btree_map::Entry;

use a2a_core::{Beat, Eviction, ExecutingPage, InstanceId, Member, MemberState, Membership, Result, TaskKey};
use a2a_testkit::async_trait;

use super::MapStore;

/// How many tasks are on a page of what an instance executes.
const PAGE: usize = 100;

#[async_trait]
impl Membership for MapStore {
    async fn beat(&self, me: &Member) -> Result<Beat> {
        Ok(match self.state().members.entry(me.id) {
            Entry::Occupied(known) if known.get().state.is_final() => Beat::Evicted,
            Entry::Vacant(_) if me.beat > 0 => Beat::Evicted,
            Entry::Occupied(mut known) => {
                // A beat that was delayed must not turn the counter back: observers would see it move.
                if me.beat >= known.get().beat {
                    known.insert(me.clone());
                }
                Beat::Alive
            }
            Entry::Vacant(free) => {
                free.insert(me.clone());
                Beat::Alive
            }
        })
    }

    async fn member(&self, who: &InstanceId) -> Result<Option<Member>> {
        Ok(self.state().members.get(who).cloned())
    }

    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>> {
        let state = self.state();
        let follows = |member: &&Member| after.is_none_or(|after| member.id > *after);
        Ok(state.members.values().filter(follows).take(limit).cloned().collect())
    }

    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        Ok(match self.state().members.get_mut(who) {
            None => Eviction::Absent,
            Some(member) if member.state.is_final() => Eviction::Evicted,
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

    async fn executing(&self, who: &InstanceId, after: Option<&TaskKey>) -> Result<ExecutingPage> {
        let state = self.state();
        let mut rest = state.tasks.iter().filter(|(key, entry)| {
            let claim = entry.stored.head.claim;
            // In key order: a task that comes or goes moves no other to an earlier page.
            after.is_none_or(|after| *key > after) && claim.is_some_and(|claim| claim.instance == *who)
        });
        let tasks: Vec<TaskKey> = rest.by_ref().take(PAGE).map(|(key, _)| key.clone()).collect();
        let next = rest.next().and(tasks.last()).cloned();
        Ok(ExecutingPage { tasks, next })
    }
}
