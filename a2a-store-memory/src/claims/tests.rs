//! Claims hold for their window, and no longer than there is room.

use super::*;

const WINDOW: Duration = Duration::from_secs(60);
const PLENTY: usize = 1000;

fn claim(
    claims: &mut Claims,
    id: usize,
    task_id: &str,
    now: Instant,
    window: Duration,
    limit: usize,
) -> String {
    let claim = Claim { tenant: &Tenant::default(), principal: None, message_id: &id.to_string() };
    claims.claim(&claim, task_id, now, window, limit)
}

#[test]
fn a_claim_holds_until_its_window_ends() {
    let (mut claims, start) = (Claims::default(), Instant::now());
    let mut at = |after, task| claim(&mut claims, 1, task, start + after, WINDOW, PLENTY);
    assert_eq!(at(Duration::ZERO, "a"), "a");
    assert_eq!(at(WINDOW / 2, "b"), "a");
    assert_eq!(at(WINDOW - Duration::from_nanos(1), "b"), "a");
    assert_eq!(at(WINDOW, "b"), "b");
    assert_eq!(at(WINDOW * 2 - Duration::from_nanos(1), "a"), "b");
}

#[test]
fn a_repeated_claim_does_not_prolong_the_window() {
    let (mut claims, start) = (Claims::default(), Instant::now());
    let mut at = |after, task| claim(&mut claims, 1, task, start + after, WINDOW, PLENTY);
    assert_eq!(at(Duration::ZERO, "a"), "a");
    assert_eq!(at(WINDOW / 2, "a"), "a");
    assert_eq!(at(WINDOW, "b"), "b");
}

#[test]
fn windows_may_differ_and_be_endless() {
    let (mut claims, start) = (Claims::default(), Instant::now());
    let mut claim = |id, after, task, window| claim(&mut claims, id, task, start + after, window, PLENTY);
    assert_eq!(claim(1, Duration::ZERO, "a", Duration::MAX), "a");
    assert_eq!(claim(2, Duration::ZERO, "a", Duration::ZERO), "a");
    assert_eq!(claim(2, Duration::ZERO, "b", WINDOW), "b");
    assert_eq!(claim(1, WINDOW * 1000, "b", WINDOW), "a");
}

#[test]
fn expired_claims_are_cleared_by_later_ones() {
    let (mut claims, start) = (Claims::default(), Instant::now());
    for id in 0..100 {
        claim(&mut claims, id, "t", start, WINDOW, PLENTY);
    }
    for (call, id) in (100..110).enumerate() {
        claim(&mut claims, id, "t", start + WINDOW, WINDOW, PLENTY);
        let expired = 100_usize.saturating_sub((call + 1) * CLEARED_PER_CALL);
        assert_eq!(claims.held.len(), expired + call + 1);
        assert_eq!(claims.expiry.len(), claims.held.len());
    }
}

#[test]
fn beyond_the_limit_the_claim_that_expires_first_is_forgotten() {
    let (mut claims, start) = (Claims::default(), Instant::now());
    let mut claim = |id, task, window| claim(&mut claims, id, task, start, window, 2);
    assert_eq!(claim(1, "a", WINDOW), "a");
    assert_eq!(claim(2, "a", WINDOW * 2), "a");
    assert_eq!(claim(3, "a", WINDOW * 3), "a");
    assert_eq!(claim(2, "b", WINDOW * 2), "a");
    assert_eq!(claim(1, "b", WINDOW), "b");
    assert_eq!(claims.held.len(), 2);
    assert_eq!(claims.expiry.len(), 2);
}
