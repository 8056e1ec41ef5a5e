//! The roster: a ring of ids, read in pieces.

use a2a_core::{Eviction, InstanceId, Member};
use uuid::Uuid;

use super::{after, beats, beats_on, everybody, newcomer};
use crate::StoreFixture;

/// From whatever id on, known or not, the roster goes on in the order of ids, evicted members included, and
/// stops at the limit.
pub async fn the_roster_is_in_id_order_after_the_given_id(fixture: &dyn StoreFixture) {
    let (members, other) = (fixture.handle().await, fixture.handle().await);
    assert_eq!(everybody(&*members).await, []);
    let mut all: Vec<Member> = (0..40).map(|_| newcomer()).collect();
    let edges = [Uuid::nil(), Uuid::max(), Uuid::from_u128(1), Uuid::from_u128(u128::MAX / 2)];
    all.extend(edges.map(|uuid| Member { id: InstanceId::from_uuid(uuid), ..newcomer() }));
    fastrand::Rng::with_seed(2).shuffle(&mut all);
    for member in &all {
        let _ = beats(&*members, member).await;
    }
    for member in all.iter_mut().step_by(3) {
        beats_on(&*other, member).await;
    }
    for member in all.iter_mut().skip(1).step_by(5) {
        assert_eq!(members.evict(&member.id, member.beat).await.unwrap(), Eviction::Evicted);
        *member = super::evicted(member);
    }
    all.sort_by_key(|member| member.id);
    assert_eq!(everybody(&*other).await, all);

    for (n, member) in all.iter().enumerate() {
        for limit in [1, 3, 1_000] {
            let rest: Vec<_> = all[n + 1..].iter().take(limit).cloned().collect();
            assert_eq!(
                after(&*other, Some(&member.id), limit).await,
                rest,
                "after member {n}, at most {limit}"
            );
        }
    }
    let between = InstanceId::from_uuid(Uuid::from_u128(2));
    let rest: Vec<_> = all.iter().filter(|member| member.id > between).take(4).cloned().collect();
    assert_eq!(after(&*members, Some(&between), 4).await, rest, "after an id that is no member's");
    assert_eq!(after(&*members, None, 2).await, all[..2]);
}
