//! The contract of membership, sentence by sentence.
//!
//! Each function is one sentence of [`Membership`]'s contract and panics where the store breaks it.
//! [`membership_suite!`](crate::membership_suite) makes tests of them.

mod beats;
mod eviction;
mod executing;
mod pages;
mod roster;

use a2a_core::{Beat, InstanceId, Member, MemberState, Membership, Reach};

pub use beats::{
    a_beat_writes_the_whole_record, a_later_beat_needs_the_record, beat_zero_joins, member_reads_one_record,
};
pub use eviction::{
    a_member_that_left_stays_so, an_evicted_member_stays_evicted, evict_compares_the_beat,
    of_beat_and_evict_one_wins, remove_forgets_a_member,
};
pub use executing::executing_lists_the_tasks_of_an_executor;
pub use pages::executing_pages_cover_every_task;
pub use roster::the_roster_is_in_id_order_after_the_given_id;

use crate::expect::persist;
use crate::sample::instance;

fn newcomer() -> Member {
    Member { reach: Reach::Direct, state: MemberState::Serving, ..Member::joining(instance(), None) }
}

fn evicted(member: &Member) -> Member {
    Member { state: MemberState::Evicted, ..member.clone() }
}

async fn beats(members: &dyn Membership, member: &Member) -> Beat {
    persist(|| members.beat(member)).await
}

async fn joined(members: &dyn Membership) -> Member {
    let member = newcomer();
    assert_eq!(beats(members, &member).await, Beat::Alive, "of joining");
    member
}

async fn beats_on(members: &dyn Membership, member: &mut Member) {
    member.beat += 1;
    assert_eq!(beats(members, member).await, Beat::Alive, "of beat {}", member.beat);
}

async fn everybody(members: &dyn Membership) -> Vec<Member> {
    after(members, None, 1_000).await
}

/// Reads one member, on its own and as the roster has it.
async fn member(members: &dyn Membership, who: &InstanceId) -> Option<Member> {
    let alone = persist(|| members.member(who)).await;
    let listed = everybody(members).await.into_iter().find(|member| member.id == *who);
    assert_eq!(alone, listed, "one member, alone and in the roster");
    alone
}

async fn after(members: &dyn Membership, id: Option<&InstanceId>, limit: usize) -> Vec<Member> {
    persist(|| members.roster(id, limit)).await
}
