//! What readers find behind their cursors.

use a2a_core::{CommitId, Generation};
use uuid::Uuid;

use super::*;

fn record(version: u64) -> Arc<CommitRecord> {
    let id = CommitId::from_uuid(Uuid::from_u128(version.into()));
    Arc::new(CommitRecord {
        version: Version::new(version),
        generation: Generation::new(version),
        id,
        events: Vec::new(),
    })
}

fn versions(tail: Tail) -> Option<Vec<u64>> {
    match tail {
        Tail::Commits(commits) => Some(commits.iter().map(|c| c.version.get()).collect()),
        Tail::Behind => None,
    }
}

fn ring() -> Ring {
    Ring::new(4, usize::MAX)
}

#[test]
fn commits_offered_in_any_order_come_out_in_order_and_once() {
    let mut ring = ring();
    for version in [2, 3, 1, 3, 2, 1, 4] {
        ring.offer(record(version), Time::ZERO);
    }
    assert_eq!(versions(ring.after(Version::ABSENT)), Some(vec![1, 2, 3, 4]));
    assert!(!ring.has_gap());
}

#[test]
fn a_gap_shows_until_it_is_closed() {
    let mut ring = ring();
    ring.offer(record(1), Time::ZERO);
    ring.offer(record(3), Time::ZERO);
    assert!(ring.has_gap());
    assert_eq!(versions(ring.after(Version::ABSENT)), Some(vec![1]));
    ring.publish(record(2), Time::ZERO);
    assert!(!ring.has_gap());
    assert_eq!(versions(ring.after(Version::new(1))), Some(vec![2, 3]));
}

#[test]
fn word_of_a_version_is_a_gap() {
    let mut ring = ring();
    ring.hear_of(Version::new(1));
    assert!(ring.has_gap());
    ring.publish(record(1), Time::ZERO);
    assert!(!ring.has_gap());
}

#[test]
fn a_reader_that_fell_behind_is_told_so() {
    let mut ring = ring();
    for version in 1..=6 {
        ring.publish(record(version), Time::ZERO);
    }
    assert_eq!(versions(ring.after(Version::new(1))), None);
    assert_eq!(versions(ring.after(Version::new(2))), Some(vec![3, 4, 5, 6]));
    assert_eq!(versions(ring.after(Version::new(6))), Some(vec![]));
    assert_eq!(versions(ring.after(Version::new(9))), Some(vec![]));
}

#[test]
fn advancing_skips_what_a_snapshot_covers_and_keeps_what_came_early() {
    let mut ring = ring();
    ring.offer(record(8), Time::ZERO);
    assert!(ring.advance(Version::new(7), false));
    assert_eq!(ring.head(), Version::new(8));
    assert_eq!(versions(ring.after(Version::new(7))), Some(vec![8]));
    assert_eq!(versions(ring.after(Version::new(3))), None);
    assert!(!ring.advance(Version::new(2), true));
    assert!(!ring.ended());
}

#[test]
fn publishing_over_a_hole_forgets_what_lies_before_it() {
    let mut ring = ring();
    ring.publish(record(1), Time::ZERO);
    ring.publish(record(5), Time::ZERO);
    assert_eq!(versions(ring.after(Version::new(1))), None);
    assert_eq!(versions(ring.after(Version::new(4))), Some(vec![5]));
}

#[test]
fn a_ring_that_skipped_to_a_version_and_holds_nothing_has_readers_behind_it() {
    let mut ring = ring();
    ring.publish(record(1), Time::ZERO);
    assert!(ring.advance(Version::new(7), true));
    assert_eq!(versions(ring.after(Version::new(1))), None);
    assert_eq!(versions(ring.after(Version::new(7))), Some(vec![]));
}

#[test]
fn a_limit_is_kept_whatever_comes_but_for_the_latest_commit() {
    let text = vec![a2a::Part::text("x".repeat(100))];
    let said = a2a::StreamResponse::Message(a2a::Message::new(a2a::Role::Agent, text));
    let record =
        |version| Arc::new(CommitRecord { events: vec![said.clone()], ..(*record(version)).clone() });
    let mut ring = ring();
    (1..=4).for_each(|version| ring.publish(record(version), Time::ZERO));
    let of_one = ring.bytes() / 4;
    ring.limit(2 * of_one);
    ring.publish(record(5), Time::ZERO);
    assert!(ring.bytes() <= 2 * of_one, "{} of {of_one}", ring.bytes());
    assert!(matches!(ring.after(Version::new(1)), Tail::Behind));
    ring.limit(0);
    ring.publish(record(6), Time::ZERO);
    assert_eq!((ring.bytes(), versions(ring.after(Version::new(5)))), (of_one, Some(vec![6])));
}
