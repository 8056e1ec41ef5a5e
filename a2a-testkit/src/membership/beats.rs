//! Joining, and staying alive.

use a2a_core::{Beat, Eviction, Member, MemberState, Reach};

use super::{beats, beats_on, everybody, evicted, joined, member, newcomer};
use crate::StoreFixture;
use crate::sample::{awkward_text, instance};

/// Beat zero creates the record; doing so twice makes one.
pub async fn beat_zero_joins(fixture: &dyn StoreFixture) {
    let (members, other) = (fixture.handle().await, fixture.handle().await);
    assert_eq!(everybody(&*members).await, []);
    let member = newcomer();
    for handle in [&members, &other, &members] {
        assert_eq!(beats(&**handle, &member).await, Beat::Alive);
        assert_eq!(everybody(&*other).await, std::slice::from_ref(&member));
    }
    let second = Member { label: Some("pod-2".into()), state: MemberState::Draining, ..newcomer() };
    assert_eq!(beats(&*other, &second).await, Beat::Alive);
    assert_eq!(everybody(&*members).await, [member, second]);

    let starting = Member::joining(instance(), Some("pod-3".into()));
    for handle in [&members, &other] {
        assert_eq!(beats(&**handle, &starting).await, Beat::Alive);
        assert_eq!(everybody(&*other).await.last(), Some(&starting));
    }
}

/// Without a record, or with one whose state is final, any later beat is `Evicted` and changes nothing.
pub async fn a_later_beat_needs_the_record(fixture: &dyn StoreFixture) {
    let (members, other) = (fixture.handle().await, fixture.handle().await);
    let unknown = newcomer();
    for beat in [1, 2, u64::from(u32::MAX)] {
        assert_eq!(
            beats(&*members, &Member { beat, ..unknown.clone() }).await,
            Beat::Evicted,
            "of beat {beat}"
        );
        assert_eq!(everybody(&*other).await, []);
    }
    let mut dead = joined(&*members).await;
    beats_on(&*members, &mut dead).await;
    assert_eq!(other.evict(&dead.id, 1).await.unwrap(), Eviction::Evicted);
    for beat in [1, 2, 3, 100] {
        let late = Member { beat, label: Some("late".into()), ..dead.clone() };
        assert_eq!(beats(&*members, &late).await, Beat::Evicted, "of beat {beat} of an evicted member");
        assert_eq!(everybody(&*other).await, [evicted(&dead)]);
    }

    let mut left = joined(&*members).await;
    left.state = MemberState::Left;
    beats_on(&*members, &mut left).await;
    for (beat, state) in [(1, MemberState::Left), (2, MemberState::Serving), (0, MemberState::Starting)] {
        let late = Member { beat, state, ..left.clone() };
        assert_eq!(beats(&*members, &late).await, Beat::Evicted, "of beat {beat} of a member that left");
        assert_eq!(member(&*other, &left.id).await.as_ref(), Some(&left));
    }
}

/// A beat writes everything that the member says, and every handle sees it at once.
pub async fn a_beat_writes_the_whole_record(fixture: &dyn StoreFixture) {
    let (members, other) = (fixture.handle().await, fixture.handle().await);
    let mut bystander = joined(&*members).await;
    let mut member = joined(&*members).await;
    let labels =
        [None, Some("pod"), Some(""), Some("a much longer label, with spaces"), None, Some(&*awkward_text())]
            .map(|label| label.map(str::to_owned));
    for (n, label) in labels.into_iter().cycle().take(18).enumerate() {
        member.label = label;
        member.state = [MemberState::Starting, MemberState::Serving, MemberState::Draining][n % 3];
        member.reach = [Reach::Nowhere, Reach::Direct, Reach::Topic][n / 2 % 3];
        let handle = if n % 2 == 0 { &members } else { &other };
        beats_on(&**handle, &mut member).await;
        for reader in [&members, &other] {
            assert_eq!(everybody(&**reader).await, [bystander.clone(), member.clone()]);
        }
        assert_eq!(beats(&**handle, &member).await, Beat::Alive, "of the same beat again");
        assert_eq!(everybody(&*other).await, [bystander.clone(), member.clone()]);
    }
    beats_on(&*other, &mut bystander).await;
    assert_eq!(everybody(&*members).await, [bystander.clone(), member.clone()]);
    member.state = MemberState::Left;
    beats_on(&*other, &mut member).await;
    assert_eq!(everybody(&*members).await, [bystander, member]);
}

/// A single record is there as soon as its beat was answered, on whichever handle, as it was written last; there is
/// none of who never joined, or was removed.
pub async fn member_reads_one_record(fixture: &dyn StoreFixture) {
    let (members, other) = (fixture.handle().await, fixture.handle().await);
    let mut mine = joined(&*members).await;
    let stranger = instance();
    for beat in 0..20 {
        mine.reach = if beat % 2 == 0 { Reach::Topic } else { Reach::Nowhere };
        mine.label = (beat % 3 == 0).then(|| beat.to_string());
        beats_on(&*members, &mut mine).await;
        for handle in [&members, &other] {
            assert_eq!(handle.member(&mine.id).await.unwrap().as_ref(), Some(&mine), "at beat {}", mine.beat);
            assert_eq!(handle.member(&stranger).await.unwrap(), None);
        }
    }
    let neighbour = joined(&*other).await;
    assert_eq!(member(&*members, &mine.id).await.as_ref(), Some(&mine));
    assert_eq!(members.evict(&mine.id, mine.beat).await.unwrap(), Eviction::Evicted);
    assert_eq!(member(&*other, &mine.id).await, Some(evicted(&mine)));
    members.remove(&mine.id).await.unwrap();
    assert_eq!(member(&*other, &mine.id).await, None);
    assert_eq!(member(&*other, &neighbour.id).await, Some(neighbour));
}
