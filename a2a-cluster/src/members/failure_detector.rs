//! The failure detector: from what is read of other members to who is dead.
//!
//! A member is dead whose counter has not moved for the lease time. Time is the observer's own, and only such in which
//! its own beats were answered; see [`Liveness`](crate::liveness::Liveness). Where many stand still at once, the cause
//! is more likely to be one of all than many of one, so the detector waits longer and condemns slowly.

use std::collections::BTreeMap;
use std::time::Duration;

use a2a_core::{InstanceId, Member, MemberState};

/// How many members that move each observer looks past: so many may observe one that dies.
pub(super) const OBSERVED: usize = 3;

/// How many members that were never seen before are read at once.
const MOST_NEW: usize = 96;

/// So many may stand still without being suspected of a common cause.
const FEW: usize = 2;

/// A member that has not moved for the lease time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dead {
    pub(super) id: InstanceId,
    /// The counter that did not move.
    pub(super) beat: u64,
    pub(super) part: Part,
}

/// A member that was evicted already, or left in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) id: InstanceId,
    pub(super) state: MemberState,
    pub(super) part: Part,
}

/// Which part of a member's tasks an observer takes over first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// How many that move are nearer to the member than this observer: it tells its observers apart.
    pub(super) rank: usize,
    /// How many observers the member has.
    pub(super) of: usize,
}

/// What an observation comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// To be evicted now, the nearest first.
    pub(super) dead: Vec<Dead>,
    /// Their tasks may not have been taken over yet.
    pub(super) ended: Vec<Ended>,
}

/// Judges the members that follow this one in the ring.
#[derive(Debug)]
pub(super) struct FailureDetector {
    lease: Duration,
    seen: BTreeMap<InstanceId, Sighting>,
    mass: Option<Mass>,
}

/// What was seen of a member that had not ended.
#[derive(Debug, Clone, Copy)]
struct Sighting {
    beat: u64,
    /// When it was first seen so, in observed time.
    since: Duration,
    /// It was seen to move before, so that it lives until it stands still.
    has_moved: bool,
}

/// Many stand still at once.
#[derive(Debug, Clone, Copy)]
struct Mass {
    since: Duration,
    /// How many there were at most.
    count: usize,
    /// In how many observations some of them were condemned.
    rounds: usize,
}

/// How a member does, as far as one observation tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Motion {
    Moves,
    /// Not seen to move, nor for long enough to stand still.
    Unknown,
    StandsStill,
    Ended,
}

impl FailureDetector {
    pub(super) fn new(lease: Duration) -> Self {
        FailureDetector { lease, seen: BTreeMap::new(), mass: None }
    }

    /// Tells whether enough of the ring was read, the nearest first: nearer members than this one have to judge
    /// what comes after three that move. Evicted members are read past, and so are such that have not moved lately: if
    /// they are dead, those behind them must be known for a while by then.
    pub(super) fn is_enough(&self, now: Duration, ring: &[Member]) -> bool {
        let is_new = |member: &&Member| !member.state.is_final() && !self.seen.contains_key(&member.id);
        ring.iter().filter(|member| self.moved_lately(now, member)).count() >= OBSERVED
            || ring.iter().filter(is_new).count() >= MOST_NEW
    }

    fn moved_lately(&self, now: Duration, member: &Member) -> bool {
        let stood = |before: &Sighting| match before.beat == member.beat {
            true => now.saturating_sub(before.since),
            false => Duration::ZERO,
        };
        member.state != MemberState::Draining
            && self.motion(now, member) == Motion::Moves
            && self.seen.get(&member.id).is_some_and(|before| stood(before) < self.lease * 2 / 3)
    }

    /// Takes what was read of the ring, the nearest first, without this member itself, when this much time had been
    /// observed. Members that were not read are forgotten: others observe them, or they are gone.
    pub(super) fn observe(&mut self, now: Duration, ring: &[Member]) -> Verdict {
        let motions: Vec<_> = ring.iter().map(|member| (member, self.motion(now, member))).collect();
        let still = motions.iter().filter(|(_, motion)| *motion == Motion::StandsStill).count();
        let moves = motions.iter().filter(|(_, motion)| *motion == Motion::Moves).count();
        let most = self.condemnable(now, still, moves + still + 1);
        // Whoever drains takes nothing over any more. Whoever is not known to move may observe all the same.
        let may_observe = |motion: &Motion| matches!(motion, Motion::Moves | Motion::Unknown);
        let takes_over = |member: &Member| member.state != MemberState::Draining;
        let others =
            motions.iter().filter(|(member, motion)| may_observe(motion) && takes_over(member)).count();
        let of = (others + 1).min(OBSERVED);
        let mut verdict = Verdict::default();
        let mut moving = 0;
        for (member, motion) in &motions {
            let part = Part { rank: moving, of };
            match motion {
                Motion::Moves => moving += usize::from(takes_over(member)),
                Motion::StandsStill if moving < OBSERVED && verdict.dead.len() < most => {
                    verdict.dead.push(Dead { id: member.id, beat: member.beat, part });
                }
                Motion::Ended if moving < OBSERVED => {
                    verdict.ended.push(Ended { id: member.id, state: member.state, part });
                }
                Motion::Unknown | Motion::StandsStill | Motion::Ended => {}
            }
        }
        let before = std::mem::take(&mut self.seen);
        let sightings = motions.into_iter().filter(|(_, motion)| *motion != Motion::Ended);
        self.seen =
            sightings.map(|(member, _)| (member.id, sighted(before.get(&member.id), now, member))).collect();
        verdict
    }

    fn motion(&self, now: Duration, member: &Member) -> Motion {
        if member.state.is_final() {
            return Motion::Ended;
        }
        match self.seen.get(&member.id) {
            None => Motion::Unknown,
            Some(before) if before.beat != member.beat => Motion::Moves,
            Some(before) if now.saturating_sub(before.since) >= self.lease => Motion::StandsStill,
            Some(before) if before.has_moved => Motion::Moves,
            Some(_) => Motion::Unknown,
        }
    }

    /// How many of those that stand still may be condemned now; they are some of these `members`, who are all that is
    /// known of, this one included.
    ///
    /// More than a third, and more than a few, have a lease time more. Then half of them are condemned with each
    /// observation, rounded down and up by turns: where the cause was a common one after all, the others may be back
    /// before the next.
    fn condemnable(&mut self, now: Duration, still: usize, members: usize) -> usize {
        if still == 0 {
            self.mass = None;
        } else if self.mass.is_none() && still > FEW && still * 3 > members {
            tracing::warn!(
                still,
                members,
                "many members stand still at once; none is evicted for another lease"
            );
            self.mass = Some(Mass { since: now, count: still, rounds: 0 });
        }
        let Some(mass) = &mut self.mass else { return usize::MAX };
        mass.count = mass.count.max(still);
        if now.saturating_sub(mass.since) < self.lease {
            return 0;
        }
        mass.rounds += 1;
        mass.count * mass.rounds / 2 - mass.count * (mass.rounds - 1) / 2
    }
}

fn sighted(before: Option<&Sighting>, now: Duration, member: &Member) -> Sighting {
    match before {
        Some(before) if before.beat == member.beat => *before,
        before => Sighting { beat: member.beat, since: now, has_moved: before.is_some() },
    }
}

#[cfg(test)]
mod tests;
