use a2a_core::Reach;
use uuid::Uuid;

use super::*;

const LEASE: Duration = Duration::from_secs(15);
const BEAT: u64 = 5;

fn member(id: u128, beat: u64, state: MemberState) -> Member {
    Member { id: InstanceId::from_uuid(Uuid::from_u128(id)), beat, state, reach: Reach::Direct, label: None }
}

fn serving(id: u128, beat: u64) -> Member {
    member(id, beat, MemberState::Serving)
}

fn ids(dead: &[Dead]) -> Vec<u128> {
    dead.iter().map(|dead| dead.id.uuid().as_u128()).collect()
}

/// A ring in which some stand still from the third observation on, observed every five seconds.
struct Play {
    detector: FailureDetector,
    ring: Vec<u128>,
    still: Vec<u128>,
    evicted: Vec<u128>,
    seconds: u64,
}

impl Play {
    fn of(ring: impl IntoIterator<Item = u128>, still: impl IntoIterator<Item = u128>) -> Self {
        let mut play = Play {
            detector: FailureDetector::new(LEASE),
            ring: ring.into_iter().collect(),
            still: Vec::new(),
            evicted: Vec::new(),
            seconds: 0,
        };
        for _ in 0..2 {
            assert_eq!(play.observe(), Vec::<u128>::new());
        }
        play.still = still.into_iter().collect();
        play
    }

    /// Observes, evicts, and returns who was evicted.
    fn observe(&mut self) -> Vec<u128> {
        let beat = |id: &u128| if self.still.contains(id) { 1 } else { self.seconds };
        let state = |id| {
            if self.evicted.contains(id) { MemberState::Evicted } else { MemberState::Serving }
        };
        let ring: Vec<_> = self.ring.iter().map(|id| member(*id, beat(id), state(id))).collect();
        let dead = ids(&self.detector.observe(Duration::from_secs(self.seconds), &ring).dead);
        self.evicted.extend(&dead);
        self.seconds += BEAT;
        dead
    }

    /// Observes until a time, and returns who was evicted when.
    fn until(&mut self, seconds: u64) -> Vec<(u64, Vec<u128>)> {
        let mut evicted = Vec::new();
        while self.seconds <= seconds {
            let at = self.seconds;
            let dead = self.observe();
            if !dead.is_empty() {
                evicted.push((at, dead));
            }
        }
        evicted
    }
}

#[test]
fn a_member_that_moves_is_never_dead() {
    let mut play = Play::of(1..=3, []);
    assert_eq!(play.until(600), []);
}

#[test]
fn a_member_is_dead_after_the_lease_time_and_not_before() {
    let mut detector = FailureDetector::new(LEASE);
    let ring = [serving(1, 7)];
    for (millis, dead) in [(0, vec![]), (14_999, vec![]), (15_000, vec![1])] {
        let verdict = detector.observe(Duration::from_millis(millis), &ring);
        assert_eq!(ids(&verdict.dead), dead, "after {millis} ms");
        assert!(verdict.dead.iter().all(|dead| dead.beat == 7));
    }
}

#[test]
fn time_that_does_not_pass_for_the_observer_counts_against_nobody() {
    let mut detector = FailureDetector::new(LEASE);
    for _ in 0..100 {
        assert_eq!(detector.observe(LEASE, &[serving(1, 7)]), Verdict::default());
    }
}

#[test]
fn who_has_ended_is_told_at_once() {
    for state in [MemberState::Evicted, MemberState::Left] {
        let mut detector = FailureDetector::new(LEASE);
        let verdict = detector.observe(Duration::ZERO, &[member(1, 7, state)]);
        assert_eq!(
            verdict.ended,
            [Ended { id: InstanceId::from_uuid(Uuid::from_u128(1)), state, part: Part { rank: 0, of: 1 } }]
        );
    }
}

#[test]
fn one_or_two_dead_are_evicted_as_soon_as_they_are_dead() {
    for (ring, dead) in [(1..=1, vec![1]), (1..=3, vec![1, 3]), (1..=5, vec![2, 3]), (1..=50, vec![1])] {
        let mut play = Play::of(ring.clone(), dead.clone());
        // They moved last at five seconds.
        assert_eq!(play.until(60), [(25, dead)], "{ring:?}");
    }
}

#[test]
fn a_third_that_stands_still_at_once_has_a_lease_more_and_goes_by_halves() {
    for (ring, dead, expected) in [
        (1..=5_u128, 1..=3_u128, vec![(40, 1..=1), (45, 2..=3)]),
        (1..=49, 1..=49, vec![(40, 1..=24), (45, 25..=49)]),
        (1..=19, 1..=8, vec![(40, 1..=4), (45, 5..=8)]),
    ] {
        let mut play = Play::of(ring.clone(), dead);
        let expected: Vec<_> = expected.into_iter().map(|(at, dead)| (at, dead.collect())).collect();
        assert_eq!(play.until(90), expected, "{ring:?}");
    }
}

#[test]
fn who_is_back_within_the_second_lease_is_spared() {
    let mut play = Play::of(1..=5, 1..=4);
    assert_eq!(play.until(35), []);
    play.still = vec![1];
    assert_eq!(play.until(120), [(40, vec![1])]);
}

#[test]
fn less_than_a_third_are_no_mass() {
    let mut play = Play::of(1..=11, [2, 3, 4]);
    assert_eq!(play.until(60), [(25, vec![2, 3, 4])]);
}

#[test]
fn those_beyond_three_that_move_are_for_others_to_judge() {
    let mut play = Play::of(1..=24, [2, 20]);
    assert_eq!(play.until(60), [(25, vec![2])]);
}

#[test]
fn the_ring_is_read_until_three_move() {
    let mut detector = FailureDetector::new(LEASE);
    let ring = |beat| (1..=20).map(|id| serving(id, if id > 16 { beat } else { 0 })).collect::<Vec<_>>();
    detector.observe(Duration::ZERO, &ring(1));
    assert!(!detector.is_enough(LEASE, &ring(2)[..18]), "two move");
    assert!(detector.is_enough(LEASE, &ring(2)[..19]), "three move");
    let with_ended: Vec<_> =
        (100..150).map(|id| member(id, 0, MemberState::Evicted)).chain(ring(2)).collect();
    assert!(!detector.is_enough(LEASE, &with_ended[..50]), "evicted records are read past");
    assert!(detector.is_enough(LEASE, &with_ended));
}

#[test]
fn those_who_have_not_moved_lately_are_read_past_before_they_are_dead() {
    let mut detector = FailureDetector::new(LEASE);
    let ring = |beat| (1..=40).map(|id| serving(id, if id > 24 { beat } else { 1 })).collect::<Vec<_>>();
    for (at, beat) in [(0, 0), (5, 1), (10, 2)] {
        let seen: Vec<_> = (1..=40).map(|id| serving(id, beat.min(1))).collect();
        detector.observe(Duration::from_secs(at), &seen);
    }
    let at = Duration::from_secs(15);
    assert!(!detector.is_enough(at, &ring(2)[..26]), "ten seconds of fifteen");
    assert!(detector.is_enough(at, &ring(2)[..27]));
    assert_eq!(detector.observe(at, &ring(2)), Verdict::default(), "they are not dead yet");
}

#[test]
fn of_members_never_seen_before_no_more_than_some_are_read_at_once() {
    let detector = FailureDetector::new(LEASE);
    let ring: Vec<_> = (0..200).map(|id| serving(id, 0)).collect();
    assert!(!detector.is_enough(LEASE, &ring[..MOST_NEW - 1]));
    assert!(detector.is_enough(LEASE, &ring[..MOST_NEW]));
}

#[test]
fn a_restart_finds_all_that_were_there_before_dead() {
    let mut detector = FailureDetector::new(LEASE);
    let mut evicted = Vec::new();
    let mut at = 0;
    while at <= 45 {
        let state = |id| if evicted.contains(&id) { MemberState::Evicted } else { MemberState::Serving };
        let ring: Vec<_> = (1..=6).map(|id| member(id, 9, state(id))).collect();
        evicted.extend(ids(&detector.observe(Duration::from_secs(at), &ring).dead));
        at += BEAT;
    }
    assert_eq!(evicted, [1, 2, 3, 4, 5, 6], "within three leases");
}

#[test]
fn those_who_observe_a_member_have_different_ranks() {
    // Four that live, in a ring with a dead one, seen from each.
    for (around, rank) in
        [([9, 1, 2, 3], Some(0)), ([4, 9, 1, 2], Some(1)), ([3, 4, 9, 1], Some(2)), ([2, 3, 4, 9], None)]
    {
        let mut detector = FailureDetector::new(LEASE);
        let ring = |beat| around.map(|id| serving(id, if id == 9 { 0 } else { beat }));
        detector.observe(Duration::ZERO, &ring(1));
        let verdict = detector.observe(LEASE, &ring(2));
        assert_eq!(verdict.dead.first().map(|dead| dead.part.rank), rank, "{around:?}");
    }
}

#[test]
fn who_drains_observes_nobody_for_long() {
    let ring = |beat| -> Vec<_> {
        let draining = (1..=30).map(|id| member(id, beat, MemberState::Draining));
        draining.chain([serving(40, 0), serving(41, beat), serving(42, beat), serving(43, beat)]).collect()
    };
    let mut detector = FailureDetector::new(LEASE);
    detector.observe(Duration::ZERO, &ring(1));
    assert!(!detector.is_enough(LEASE, &ring(2)[..33]));
    assert!(detector.is_enough(LEASE, &ring(2)));
    let verdict = detector.observe(LEASE, &ring(2));
    assert_eq!((ids(&verdict.dead), verdict.dead[0].part), (vec![40], Part { rank: 0, of: 3 }));
}

#[test]
fn a_member_has_as_many_parts_as_observers() {
    for (others, of) in [(0, 1), (1, 2), (2, 3), (3, 3), (9, 3)] {
        let mut detector = FailureDetector::new(LEASE);
        let ring =
            |beat| (0..=others).map(|id| serving(id, if id == 0 { 0 } else { beat })).collect::<Vec<_>>();
        detector.observe(Duration::ZERO, &ring(1));
        let verdict = detector.observe(LEASE, &ring(2));
        assert_eq!(verdict.dead[0].part, Part { rank: 0, of }, "{others} others");
    }
    // Whoever was never seen before may be about to observe it as well.
    let ring: Vec<_> = [member(1, 7, MemberState::Left), serving(2, 1), serving(3, 1)].into();
    let verdict = FailureDetector::new(LEASE).observe(Duration::ZERO, &ring);
    assert_eq!(verdict.ended[0].part, Part { rank: 0, of: 3 });
}
