//! What an observer has seen of others: a counter each, and when it last moved.

use std::collections::BTreeMap;
use std::time::Duration;

use a2a_core::{InstanceId, Member, MemberState};
use tokio::time::Instant;

/// How many members that move each one looks past: so many may observe one that dies.
pub(super) const OBSERVED: usize = 3;

/// A member that has not moved for the lease time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Still {
    pub(super) id: InstanceId,
    pub(super) beat: u64,
    /// It is evicted already; its tasks may not have been taken over yet.
    pub(super) evicted: bool,
}

/// The members that this instance observes.
///
/// Only time counts in which it did observe: while the store cannot be read, nobody can beat either.
#[derive(Debug)]
pub(super) struct Sightings {
    seen: BTreeMap<InstanceId, (u64, MemberState, Instant)>,
    last: Instant,
    /// The longest time between two observations that counts as observed.
    interval: Duration,
}

impl Sightings {
    pub(super) fn new(interval: Duration) -> Self {
        Sightings { seen: BTreeMap::new(), last: Instant::now(), interval }
    }

    /// Takes what was read now, the nearest first, and returns who has been still for the lease time, as far as
    /// nearer ones have not to judge them: those beyond a few that move are theirs. Members that are not in the list
    /// any more are forgotten: others observe them, or they are gone.
    ///
    /// An evicted member is returned at once where it was seen evicted before: whoever evicted it has had the
    /// time between two observations to take its tasks over.
    pub(super) fn update(&mut self, seen: &[Member], now: Instant, lease: Duration) -> Vec<Still> {
        let unobserved = now.saturating_duration_since(self.last).saturating_sub(self.interval);
        self.last = now;
        let before = std::mem::take(&mut self.seen);
        let mut still = Vec::new();
        let mut moving = 0;
        for member in seen {
            let since = match before.get(&member.id) {
                Some((beat, state, since)) if (*beat, *state) == (member.beat, member.state) => {
                    *since + unobserved
                }
                _ => now,
            };
            let evicted = member.state.is_final();
            let patience = if evicted { Duration::ZERO } else { lease };
            let is_still = since < now && now - since >= patience;
            if !is_still && !evicted {
                moving += 1;
            }
            if is_still && moving < OBSERVED {
                still.push(Still { id: member.id, beat: member.beat, evicted });
            }
            self.seen.insert(member.id, (member.beat, member.state, since));
        }
        still
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::Reach;
    use uuid::Uuid;

    use super::*;

    const LEASE: Duration = Duration::from_secs(15);

    fn member(id: u128, beat: u64, state: MemberState) -> Member {
        Member {
            id: InstanceId::from_uuid(Uuid::from_u128(id)),
            beat,
            state,
            reach: Reach::Nowhere,
            label: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_member_that_moves_is_never_still() {
        let mut sightings = Sightings::new(LEASE);
        for beat in 0..10 {
            let seen = [member(1, beat, MemberState::Serving)];
            assert_eq!(sightings.update(&seen, Instant::now(), LEASE), []);
            tokio::time::advance(LEASE * 2).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_member_is_still_after_the_lease_time_and_not_before() {
        let mut sightings = Sightings::new(LEASE);
        let seen = [member(1, 7, MemberState::Serving)];
        assert_eq!(sightings.update(&seen, Instant::now(), LEASE), []);
        tokio::time::advance(LEASE - Duration::from_millis(1)).await;
        assert_eq!(sightings.update(&seen, Instant::now(), LEASE), []);
        tokio::time::advance(Duration::from_millis(1)).await;
        let still = sightings.update(&seen, Instant::now(), LEASE);
        assert_eq!(still.iter().map(|still| (still.beat, still.evicted)).collect::<Vec<_>>(), [(7, false)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_member_that_stays_evicted_is_returned_at_the_second_sight() {
        let mut sightings = Sightings::new(LEASE);
        let seen = [member(1, 7, MemberState::Evicted)];
        assert_eq!(sightings.update(&seen, Instant::now(), LEASE), []);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(sightings.update(&seen, Instant::now(), LEASE)[0].evicted);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_run_of_dead_members_is_found_at_once_up_to_the_third_that_lives() {
        let mut sightings = Sightings::new(LEASE);
        let ring = |beat| {
            let is_alive = |id| matches!(id, 10..=12);
            (0..14)
                .map(|id| member(id, if is_alive(id) { beat } else { 0 }, MemberState::Serving))
                .collect::<Vec<_>>()
        };
        assert_eq!(sightings.update(&ring(1), Instant::now(), LEASE), []);
        tokio::time::advance(LEASE).await;
        let still = sightings.update(&ring(2), Instant::now(), LEASE);
        assert_eq!(still.len(), 10, "the last is for the live ones to find");
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_could_be_observed_does_not_count() {
        let mut sightings = Sightings::new(LEASE / 3);
        let seen = [member(1, 7, MemberState::Serving)];
        sightings.update(&seen, Instant::now(), LEASE);
        // An outage of the store, in which no member could beat.
        tokio::time::advance(LEASE * 10).await;
        assert_eq!(sightings.update(&seen, Instant::now(), LEASE), []);
        tokio::time::advance(LEASE / 3).await;
        assert_eq!(sightings.update(&seen, Instant::now(), LEASE), []);
        tokio::time::advance(LEASE / 3).await;
        assert_eq!(sightings.update(&seen, Instant::now(), LEASE).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_observer_that_slept_itself_begins_anew() {
        let mut sightings = Sightings::new(LEASE);
        sightings.update(&[member(1, 1, MemberState::Serving)], Instant::now(), LEASE);
        tokio::time::advance(LEASE * 3).await;
        assert_eq!(sightings.update(&[member(1, 2, MemberState::Serving)], Instant::now(), LEASE), []);
    }
}
