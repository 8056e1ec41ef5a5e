//! Who was seen to move, by this process's own monotonic clock.

use std::collections::BTreeMap;
use std::time::Duration;

use a2a_core::{InstanceId, Member};
use tokio::time::Instant;

/// So many records are remembered even if nobody looks at them any more.
const FEW: usize = 1_000;

/// How fast members move when they live.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// A living member moves once in this time.
    pub(super) beat: Duration,
    /// Who does not move for this time is dead.
    pub(super) lease: Duration,
}

impl Pace {
    /// Two looks that are further apart say nothing about the time between.
    fn attention(self) -> Duration {
        self.beat * 2
    }
}

/// What sightings say about a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It was seen to move a moment ago.
    Moves,
    /// It was not watched for long enough.
    Unsure,
    /// It was watched for the lease time and did not move.
    Still,
}

#[derive(Debug)]
struct Sighting {
    beat: u64,
    looked: Instant,
    /// Only time counts in which somebody looked: while the store cannot be read, nobody can beat either.
    still: Duration,
    moved: bool,
}

/// What has been seen of members so far.
#[derive(Debug)]
pub(super) struct Sightings {
    pace: Pace,
    seen: BTreeMap<InstanceId, Sighting>,
}

impl Sightings {
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, seen: BTreeMap::new() }
    }

    /// Takes what was read just now.
    pub(super) fn note(&mut self, members: &[Member], now: Instant) {
        let attention = self.pace.attention();
        for &Member { id, beat, .. } in members {
            let news = match self.seen.get(&id) {
                None => Sighting { beat, looked: now, still: Duration::ZERO, moved: false },
                Some(before) => {
                    let gap = now.saturating_duration_since(before.looked);
                    if before.beat == beat {
                        let still = before.still + gap.min(attention);
                        Sighting { beat, looked: now, still, moved: before.moved && still < attention }
                    } else {
                        Sighting { beat, looked: now, still: Duration::ZERO, moved: gap < attention }
                    }
                }
            };
            self.seen.insert(id, news);
        }
        if self.seen.len() > FEW {
            let lease = self.pace.lease;
            self.seen.retain(|_, sighting| now.saturating_duration_since(sighting.looked) < lease);
        }
    }

    /// Judges a member by what was noted of it.
    pub(super) fn life(&self, who: &InstanceId) -> Life {
        match self.seen.get(who) {
            Some(sighting) if sighting.moved => Life::Moves,
            Some(sighting) if sighting.still >= self.pace.lease => Life::Still,
            _ => Life::Unsure,
        }
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::{Env, MemberState, SystemEnv};

    use super::*;

    const PACE: Pace = Pace { beat: Duration::from_secs(5), lease: Duration::from_secs(15) };

    /// Looks at one member at each of these moments, in seconds, when its counter is at that number.
    fn life(looks: &[(u64, u64)]) -> Life {
        let id = InstanceId::from_uuid(SystemEnv.uuid());
        let (begin, mut sightings) = (Instant::now(), Sightings::new(PACE));
        for (second, beat) in looks {
            let member = Member { id, beat: *beat, state: MemberState::Serving, label: None };
            sightings.note(&[member], begin + Duration::from_secs(*second));
        }
        sightings.life(&id)
    }

    #[test]
    fn who_was_never_or_only_once_seen_may_be_anything() {
        assert_eq!(life(&[]), Life::Unsure);
        assert_eq!(life(&[(0, 7)]), Life::Unsure);
    }

    #[test]
    fn who_moved_a_moment_ago_moves_and_after_two_beats_one_cannot_know() {
        assert_eq!(life(&[(0, 1), (5, 2)]), Life::Moves);
        assert_eq!(life(&[(0, 1), (5, 2), (9, 2)]), Life::Moves);
        assert_eq!(life(&[(0, 1), (5, 2), (10, 2), (15, 2)]), Life::Unsure);
    }

    #[test]
    fn who_does_not_move_for_the_lease_time_is_still() {
        assert_eq!(life(&[(0, 1), (5, 1), (10, 1), (14, 1)]), Life::Unsure);
        assert_eq!(life(&[(0, 1), (5, 1), (10, 1), (15, 1)]), Life::Still);
        assert_eq!(life(&[(0, 1), (5, 1), (10, 1), (15, 1), (16, 2)]), Life::Moves);
    }

    #[test]
    fn time_in_which_nobody_looked_counts_little() {
        assert_eq!(life(&[(0, 1), (1000, 1)]), Life::Unsure);
        assert_eq!(life(&[(0, 1), (1000, 2)]), Life::Unsure);
        assert_eq!(life(&[(0, 1), (1000, 1), (1005, 1)]), Life::Still);
    }

    #[test]
    fn members_that_nobody_looks_at_any_more_are_forgotten_in_the_end() {
        let (begin, mut sightings) = (Instant::now(), Sightings::new(PACE));
        for round in 0..10 {
            let members: Vec<_> = (0..500)
                .map(|_| InstanceId::from_uuid(SystemEnv.uuid()))
                .map(|id| Member { id, beat: 0, state: MemberState::Serving, label: None })
                .collect();
            sightings.note(&members, begin + Duration::from_secs(20 * round));
        }
        assert!(sightings.seen.len() <= FEW + 500, "{}", sightings.seen.len());
    }
}
