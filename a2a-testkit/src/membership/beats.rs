//! Joining, and staying alive.

use a2a_core::{Beat, Eviction, Member, MemberState};

use super::{beats, beats_on, everybody, evicted, joined, newcomer};
use crate::StoreFixture;
use crate::sample::awkward_text;

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
}

/// Without a record, or with an evicted one, any later beat is `Evicted` and changes nothing.
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
}

/// A beat writes everything that the member says, and every handle sees it at once.
pub async fn a_beat_writes_counter_state_and_label(fixture: &dyn StoreFixture) {
    let (members, other) = (fixture.handle().await, fixture.handle().await);
    let mut bystander = joined(&*members).await;
    let mut member = joined(&*members).await;
    let labels =
        [None, Some("pod"), Some(""), Some("a much longer label, with spaces"), None, Some(&*awkward_text())]
            .map(|label| label.map(str::to_owned));
    for (n, label) in labels.into_iter().cycle().take(18).enumerate() {
        member.label = label;
        member.state = if n % 3 == 2 { MemberState::Draining } else { MemberState::Serving };
        let handle = if n % 2 == 0 { &members } else { &other };
        beats_on(&**handle, &mut member).await;
        for reader in [&members, &other] {
            assert_eq!(everybody(&**reader).await, [bystander.clone(), member.clone()]);
        }
        assert_eq!(beats(&**handle, &member).await, Beat::Alive, "of the same beat again");
        assert_eq!(everybody(&*other).await, [bystander.clone(), member.clone()]);
    }
    beats_on(&*other, &mut bystander).await;
    assert_eq!(everybody(&*members).await, [bystander, member]);
}
