//! Stores that break the rules of membership.

use std::time::Duration;

use a2a_core::{
    Beat, Eviction, ExecutingPage, InstanceId, Member, MemberState, Membership, Reach, Result, TaskKey,
    Tenant,
};
use a2a_testkit::async_trait;

use super::flaw::Flaw;
use super::verdict::rejections;
use crate::reference::Reference;

rejections! { store_rejected:
    a_join_that_needs_a_record: NobodyJoins => membership::beat_zero_joins;
    a_second_join_that_is_refused: JoinsOnce => membership::beat_zero_joins;
    a_beat_that_resurrects: Resurrects =>
        membership::a_later_beat_needs_the_record,
        membership::remove_forgets_a_member;
    a_beat_that_revives_the_evicted: Revives =>
        membership::a_later_beat_needs_the_record,
        membership::an_evicted_member_stays_evicted;
    an_evicted_beat_that_writes: EvictedBeatWrites => membership::a_later_beat_needs_the_record;
    a_lost_label: LosesLabels => membership::a_beat_writes_the_whole_record;
    a_state_written_once: StateOnce => membership::a_beat_writes_the_whole_record;
    a_reach_written_once: ReachOnce => membership::a_beat_writes_the_whole_record;
    a_member_that_lags: Lags::default() => membership::member_reads_one_record;
    a_member_that_is_made_up: MakesUp => membership::member_reads_one_record;
    a_member_that_leaves_and_returns: Returns =>
        membership::a_later_beat_needs_the_record,
        membership::a_member_that_left_stays_so;
    a_member_that_left_and_is_evicted: EvictsLeft => membership::a_member_that_left_stays_so;
    a_member_that_left_and_moved: LeftHasMoved => membership::a_member_that_left_stays_so;
    an_unsorted_roster: Unsorted => membership::the_roster_is_in_id_order_after_the_given_id;
    a_roster_that_includes_its_start: Inclusive => membership::the_roster_is_in_id_order_after_the_given_id;
    a_roster_without_a_limit: Endless => membership::the_roster_is_in_id_order_after_the_given_id;
    a_roster_without_the_evicted: HidesEvicted => membership::the_roster_is_in_id_order_after_the_given_id;
    an_eviction_that_ignores_the_beat: IgnoresBeat => membership::evict_compares_the_beat;
    an_eviction_that_only_looks_for_newer_beats: AtLeast => membership::evict_compares_the_beat;
    an_eviction_that_makes_a_record: EvictsStrangers => membership::evict_compares_the_beat;
    an_eviction_that_fails_when_repeated: EvictsOnce => membership::an_evicted_member_stays_evicted;
    a_removal_that_marks: RemovalEvicts => membership::remove_forgets_a_member;
    a_check_apart_from_the_eviction: LookThenEvict => membership::of_beat_and_evict_one_wins;
    an_index_of_all_running_tasks: AllRunning => membership::executing_lists_the_tasks_of_an_executor;
    an_index_that_never_forgets: NeverForgets::default() => membership::executing_lists_the_tasks_of_an_executor;
    an_index_of_one_tenant: OneTenant => membership::executing_lists_the_tasks_of_an_executor;
    an_index_with_a_fixed_size: FixedSize => membership::executing_pages_cover_every_task;
    a_page_that_is_lost: LosesAPage => membership::executing_pages_cover_every_task;
    a_first_page_only: FirstPageOnly => membership::executing_pages_cover_every_task;
    pages_by_offset: Offsets::default() => membership::executing_pages_cover_every_task;
    pages_that_never_end: NeverEnds => membership::executing_pages_cover_every_task;
}

macro_rules! broken_members {
    ($($flaw:ident: $method:ident($right:ident, $($arg:ident: $type:ty),*) -> $answer:ty $body:block)*) => {
        $(
            struct $flaw;

            #[async_trait]
            impl Flaw for $flaw {
                async fn $method(&self, $right: &Reference, $($arg: $type),*) -> Result<$answer> $body
            }
        )*
    };
}

fn known(right: &Reference, who: &InstanceId) -> Option<Member> {
    right.state().members.get(who).cloned()
}

fn write(right: &Reference, member: &Member) {
    right.state().members.insert(member.id, member.clone());
}

broken_members! {
    NobodyJoins: beat(right, me: &Member) -> Beat {
        if known(right, &me.id).is_none() { Ok(Beat::Evicted) } else { right.beat(me).await }
    }
    JoinsOnce: beat(right, me: &Member) -> Beat {
        let again = me.beat == 0 && known(right, &me.id).is_some();
        if again { Ok(Beat::Evicted) } else { right.beat(me).await }
    }
    Resurrects: beat(right, me: &Member) -> Beat {
        if known(right, &me.id).is_none() {
            write(right, me);
        }
        right.beat(me).await
    }
    Revives: beat(right, me: &Member) -> Beat {
        if known(right, &me.id).is_some() {
            write(right, me);
        }
        right.beat(me).await
    }
    EvictedBeatWrites: beat(right, me: &Member) -> Beat {
        let beat = right.beat(me).await?;
        if let Some(member) = right.state().members.get_mut(&me.id) {
            member.beat = me.beat;
        }
        Ok(beat)
    }
    LosesLabels: beat(right, me: &Member) -> Beat {
        let label = me.label.clone().filter(|label| !label.is_empty());
        right.beat(&Member { label, ..me.clone() }).await
    }
    StateOnce: beat(right, me: &Member) -> Beat {
        let state = known(right, &me.id).map_or(me.state, |known| known.state);
        right.beat(&Member { state, ..me.clone() }).await
    }
    ReachOnce: beat(right, me: &Member) -> Beat {
        let reach = known(right, &me.id).map_or(me.reach, |known| known.reach);
        right.beat(&Member { reach, ..me.clone() }).await
    }
    MakesUp: member(right, who: &InstanceId) -> Option<Member> {
        let known = right.member(who).await?;
        Ok(known.or_else(|| Some(Member { reach: Reach::Direct, ..Member::joining(*who, None) })))
    }
    Returns: beat(right, me: &Member) -> Beat {
        if known(right, &me.id).is_some_and(|known| known.state == MemberState::Left) {
            write(right, me);
            return Ok(Beat::Alive);
        }
        right.beat(me).await
    }
    EvictsLeft: evict(right, who: &InstanceId, at_beat: u64) -> Eviction {
        if let Some(left) = known(right, who).filter(|known| known.state == MemberState::Left) {
            write(right, &Member { state: MemberState::Evicted, ..left });
        }
        right.evict(who, at_beat).await
    }
    LeftHasMoved: evict(right, who: &InstanceId, at_beat: u64) -> Eviction {
        match known(right, who) {
            Some(left) if left.state == MemberState::Left => Ok(Eviction::Moved { beat: left.beat }),
            _ => right.evict(who, at_beat).await,
        }
    }
    Unsorted: roster(right, after: Option<&InstanceId>, limit: usize) -> Vec<Member> {
        let mut roster = right.roster(after, limit).await?;
        roster.sort_by_key(|member| (member.beat, member.id));
        Ok(roster)
    }
    Inclusive: roster(right, after: Option<&InstanceId>, limit: usize) -> Vec<Member> {
        let all = right.roster(None, usize::MAX).await?;
        Ok(all.into_iter().filter(|m| after.is_none_or(|after| m.id >= *after)).take(limit).collect())
    }
    Endless: roster(right, after: Option<&InstanceId>, _limit: usize) -> Vec<Member> {
        right.roster(after, usize::MAX).await
    }
    HidesEvicted: roster(right, after: Option<&InstanceId>, limit: usize) -> Vec<Member> {
        let all = right.roster(after, usize::MAX).await?;
        Ok(all.into_iter().filter(|m| m.state != MemberState::Evicted).take(limit).collect())
    }
    IgnoresBeat: evict(right, who: &InstanceId, _at_beat: u64) -> Eviction {
        let beat = known(right, who).map_or(0, |member| member.beat);
        right.evict(who, beat).await
    }
    AtLeast: evict(right, who: &InstanceId, at_beat: u64) -> Eviction {
        let beat = known(right, who).map_or(0, |member| member.beat);
        right.evict(who, if at_beat > beat { beat } else { at_beat }).await
    }
    EvictsStrangers: evict(right, who: &InstanceId, at_beat: u64) -> Eviction {
        if known(right, who).is_none() {
            let joining = Member::joining(*who, None);
            write(right, &Member { beat: at_beat, state: MemberState::Evicted, ..joining });
            return Ok(Eviction::Absent);
        }
        right.evict(who, at_beat).await
    }
    EvictsOnce: evict(right, who: &InstanceId, at_beat: u64) -> Eviction {
        match known(right, who) {
            Some(member) if member.state == MemberState::Evicted => Ok(Eviction::Moved { beat: member.beat }),
            _ => right.evict(who, at_beat).await,
        }
    }
    RemovalEvicts: remove(right, who: &InstanceId) -> () {
        if let Some(member) = right.state().members.get_mut(who) {
            member.state = MemberState::Evicted;
        }
        Ok(())
    }
    LookThenEvict: evict(right, who: &InstanceId, at_beat: u64) -> Eviction {
        let Some(mut member) = known(right, who) else { return Ok(Eviction::Absent) };
        if member.beat != at_beat {
            return Ok(Eviction::Moved { beat: member.beat });
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        member.state = MemberState::Evicted;
        write(right, &member);
        Ok(Eviction::Evicted)
    }
    AllRunning: executing(right, _who: &InstanceId, _after: Option<&TaskKey>) -> ExecutingPage {
        let state = right.state();
        let running = state.tasks.iter().filter(|(_, entry)| entry.stored.head.claim.is_some());
        Ok(ExecutingPage { tasks: running.map(|(key, _)| key.clone()).collect(), next: None })
    }
    OneTenant: executing(right, who: &InstanceId, after: Option<&TaskKey>) -> ExecutingPage {
        let mut page = right.executing(who, after).await?;
        page.tasks.retain(|key| key.tenant == Tenant::new("a"));
        Ok(page)
    }
    FixedSize: executing(right, who: &InstanceId, _after: Option<&TaskKey>) -> ExecutingPage {
        Ok(ExecutingPage { next: None, ..right.executing(who, None).await? })
    }
    LosesAPage: executing(right, who: &InstanceId, after: Option<&TaskKey>) -> ExecutingPage {
        let mut page = right.executing(who, after).await?;
        if after.is_some() && let Some(next) = page.next.take() {
            return right.executing(who, Some(&next)).await;
        }
        Ok(page)
    }
    FirstPageOnly: executing(right, who: &InstanceId, after: Option<&TaskKey>) -> ExecutingPage {
        if after.is_some() { Ok(ExecutingPage::default()) } else { right.executing(who, None).await }
    }
    NeverEnds: executing(right, who: &InstanceId, after: Option<&TaskKey>) -> ExecutingPage {
        let page = right.executing(who, after).await?;
        let last = page.tasks.last().or(after).cloned();
        Ok(ExecutingPage { next: last, ..page })
    }
}

#[derive(Default)]
struct NeverForgets(std::sync::Mutex<std::collections::BTreeSet<TaskKey>>);

#[async_trait]
impl Flaw for NeverForgets {
    async fn executing(
        &self,
        right: &Reference,
        who: &InstanceId,
        after: Option<&TaskKey>,
    ) -> Result<ExecutingPage> {
        let now = right.executing(who, after).await?;
        let mut ever = self.0.lock().unwrap();
        ever.extend(now.tasks);
        Ok(ExecutingPage { tasks: ever.iter().cloned().collect(), next: now.next })
    }
}

/// Counts where a page ends, instead of naming it: what was taken over since moves all others forward.
#[derive(Default)]
struct Offsets(std::sync::Mutex<std::collections::BTreeMap<TaskKey, usize>>);

#[async_trait]
impl Flaw for Offsets {
    async fn executing(
        &self,
        right: &Reference,
        who: &InstanceId,
        after: Option<&TaskKey>,
    ) -> Result<ExecutingPage> {
        const PAGE: usize = 50;
        let mut all = Vec::new();
        let mut next = None;
        loop {
            let page = right.executing(who, next.as_ref()).await?;
            all.extend(page.tasks);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        let mut ends = self.0.lock().unwrap();
        let begin = after.and_then(|after| ends.get(after).copied()).unwrap_or_default();
        let tasks: Vec<_> = all.iter().skip(begin).take(PAGE).cloned().collect();
        let end = begin + tasks.len();
        let next = tasks.last().filter(|_| end < all.len()).cloned();
        next.iter().for_each(|key| _ = ends.insert(key.clone(), end));
        Ok(ExecutingPage { tasks, next })
    }
}

/// Reads a record once in a while.
#[derive(Default)]
struct Lags(std::sync::Mutex<(usize, Option<Member>)>);

#[async_trait]
impl Flaw for Lags {
    async fn member(&self, right: &Reference, who: &InstanceId) -> Result<Option<Member>> {
        let now = right.member(who).await?;
        let mut cache = self.0.lock().unwrap();
        if cache.0.is_multiple_of(6) {
            cache.1 = now;
        }
        cache.0 += 1;
        Ok(cache.1.clone().filter(|member| member.id == *who))
    }
}
