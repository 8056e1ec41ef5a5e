//! Declaring a member dead: by comparison, for ever, and against its own beat.

use std::sync::Arc;

use a2a_core::{Beat, Eviction, InstanceId, Member, MemberState, Membership};
use tokio::task::JoinSet;

use super::{beats, beats_on, everybody, evicted, joined};
use crate::StoreFixture;
use crate::expect::persist;
use crate::sample::instance;

const ROUNDS: usize = 60;

async fn evict(members: &dyn Membership, who: &InstanceId, at_beat: u64) -> Eviction {
    persist(|| members.evict(who, at_beat)).await
}

/// A member is evicted at the beat it stands at, and at no other, lower or higher.
pub async fn evict_compares_the_beat(fixture: &dyn StoreFixture) {
    let (members, other) = (fixture.handle().await, fixture.handle().await);
    let bystander = joined(&*members).await;
    let mut member = joined(&*members).await;
    for _ in 0..5 {
        beats_on(&*members, &mut member).await;
    }
    member.state = MemberState::Draining;
    member.label = Some("pod".into());
    beats_on(&*members, &mut member).await;
    for at_beat in [0, 1, 5, 7, u64::from(u32::MAX)] {
        assert_eq!(
            evict(&*other, &member.id, at_beat).await,
            Eviction::Moved { beat: 6 },
            "at beat {at_beat}"
        );
        assert_eq!(everybody(&*members).await, [bystander.clone(), member.clone()]);
    }
    assert_eq!(evict(&*other, &instance(), 0).await, Eviction::Absent);
    assert_eq!(everybody(&*members).await.len(), 2, "evicting a stranger makes no record");

    assert_eq!(evict(&*other, &member.id, 6).await, Eviction::Evicted);
    assert_eq!(everybody(&*members).await, [bystander.clone(), evicted(&member)]);
    assert_eq!(evict(&*members, &bystander.id, 0).await, Eviction::Evicted, "at beat zero");
    assert_eq!(everybody(&*other).await, [evicted(&bystander), evicted(&member)]);
}

/// No beat, not even one of joining, brings an evicted member back, and evicting it again says the same.
pub async fn an_evicted_member_stays_evicted(fixture: &dyn StoreFixture) {
    let (members, other) = (fixture.handle().await, fixture.handle().await);
    let mut member = joined(&*members).await;
    beats_on(&*members, &mut member).await;
    assert_eq!(evict(&*members, &member.id, 1).await, Eviction::Evicted);
    for at_beat in [1, 0, 2, 1] {
        assert_eq!(evict(&*other, &member.id, at_beat).await, Eviction::Evicted, "again, at beat {at_beat}");
    }
    for beat in [0, 1, 2, 50] {
        let late = Member { beat, ..member.clone() };
        assert_eq!(beats(&*other, &late).await, Beat::Evicted, "of beat {beat}");
        assert_eq!(everybody(&*members).await, [evicted(&member)]);
    }
    members.remove(&member.id).await.unwrap();
    assert_eq!(everybody(&*other).await, []);
}

/// Who left in good order is not evicted afterwards, whatever the beat: the answer is the same, and the record stays
/// as it left it.
pub async fn a_member_that_left_stays_so(fixture: &dyn StoreFixture) {
    let (members, other) = (fixture.handle().await, fixture.handle().await);
    let mut member = joined(&*members).await;
    beats_on(&*members, &mut member).await;
    member.state = MemberState::Left;
    beats_on(&*members, &mut member).await;
    for at_beat in [2, 0, 1, 3, 2] {
        assert_eq!(evict(&*other, &member.id, at_beat).await, Eviction::Evicted, "at beat {at_beat}");
        assert_eq!(everybody(&*members).await, std::slice::from_ref(&member));
    }
    for (beat, state) in [(3, MemberState::Serving), (2, MemberState::Left), (0, MemberState::Starting)] {
        let late = Member { beat, state, ..member.clone() };
        assert_eq!(beats(&*other, &late).await, Beat::Evicted, "of beat {beat}");
        assert_eq!(everybody(&*members).await, std::slice::from_ref(&member));
    }
    members.remove(&member.id).await.unwrap();
    assert_eq!(evict(&*other, &member.id, 2).await, Eviction::Absent);
}

/// A removed member is no longer there: not in the roster, not for an eviction, not for a beat.
pub async fn remove_forgets_a_member(fixture: &dyn StoreFixture) {
    let (members, other) = (fixture.handle().await, fixture.handle().await);
    members.remove(&instance()).await.unwrap();
    let stays = joined(&*members).await;
    for evict_first in [false, true] {
        let mut member = joined(&*members).await;
        beats_on(&*members, &mut member).await;
        if evict_first {
            assert_eq!(evict(&*members, &member.id, 1).await, Eviction::Evicted);
        }
        for handle in [&other, &members] {
            handle.remove(&member.id).await.unwrap();
            assert_eq!(everybody(&*members).await, std::slice::from_ref(&stays));
        }
        assert_eq!(evict(&*other, &member.id, 1).await, Eviction::Absent);
        member.beat += 1;
        assert_eq!(beats(&*other, &member).await, Beat::Evicted, "of a removed member");
        assert_eq!(everybody(&*members).await, std::slice::from_ref(&stays));
    }
}

/// When a beat and an eviction race, either the member lives and the evictor learns that it moved, or it is
/// evicted and learns that. Both never win, nor does neither.
pub async fn of_beat_and_evict_one_wins(fixture: &dyn StoreFixture) {
    let (members, other) = (fixture.handle().await, fixture.handle().await);
    for round in 0..ROUNDS {
        let before = joined(&*members).await;
        let next = Member { beat: 1, ..before.clone() };
        let beating = {
            let (members, next) = (Arc::clone(&members), next.clone());
            async move { beats(&*members, &next).await }
        };
        let evicting = {
            let (other, who) = (Arc::clone(&other), before.id);
            async move { evict(&*other, &who, 0).await }
        };
        let verdict = match round % 3 {
            0 => tokio::join!(beating, evicting),
            1 => {
                let (evicted, beat) = tokio::join!(evicting, beating);
                (beat, evicted)
            }
            _ => {
                let mut side = JoinSet::new();
                side.spawn(evicting);
                (beating.await, side.join_all().await.remove(0))
            }
        };
        let expected = match verdict {
            (Beat::Alive, Eviction::Moved { beat: 1 }) => next,
            (Beat::Evicted, Eviction::Evicted) => evicted(&before),
            both => panic!("a beat and an eviction at once: {both:?}"),
        };
        assert_eq!(everybody(&*other).await, [expected], "after {verdict:?}");
        members.remove(&before.id).await.unwrap();
    }
}
