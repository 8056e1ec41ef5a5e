//! A hash of anything's debug text, in which times count from now.

use std::fmt::{Debug, Write};
use std::hash::Hasher;
use std::time::Duration;

/// Where an instance's clock begins. Whatever has as many digits and begins with the same is a moment; all else is a
/// duration, or no time.
pub(crate) const START: Duration = Duration::from_secs(7_000_000);
const FIRST_DIGIT: char = '7';
const DIGITS: usize = 7;
/// How long ago a moment may be before it is only long ago.
const PAST: i128 = 12_000_000_000;

/// Hashes a value by its debug text. Moments count from `now`: the same state at another time is the same.
pub(crate) fn digest(value: &impl Debug, now: Duration) -> u64 {
    thread_local!(static TEXT: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) });
    TEXT.with_borrow_mut(|text| {
        text.clear();
        write!(text, "{value:?}").expect("text grows");
        hash_text(text, now)
    })
}

fn hash_text(text: &str, now: Duration) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    let bytes = text.as_bytes();
    let mut done = 0;
    let mut from = 0;
    while let Some(begin) = text[from..].find(FIRST_DIGIT).map(|place| from + place) {
        from = begin + 1;
        if begin > 0 && is_word(bytes[begin - 1]) {
            continue;
        }
        let mut at = begin;
        let whole = number(bytes, &mut at);
        if at - begin != DIGITS {
            continue;
        }
        let mut nanos = 0;
        if bytes.get(at) == Some(&b'.') {
            let dot = at;
            at += 1;
            let fraction = number(bytes, &mut at);
            nanos = fraction * 10u128.pow(9 - (at - dot - 1) as u32);
        }
        if bytes.get(at) != Some(&b's') {
            continue;
        }
        let moment = (whole * 1_000_000_000 + nanos) as i128 - now.as_nanos() as i128;
        hasher.write(&bytes[done..begin]);
        hasher.write_i128(moment.max(-PAST));
        done = at;
        from = at;
    }
    hasher.write(&bytes[done..]);
    hasher.finish()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.'
}

fn number(text: &[u8], at: &mut usize) -> u128 {
    let mut number = 0u128;
    while let Some(digit) = text.get(*at).filter(|digit| digit.is_ascii_digit()) {
        number = number.wrapping_mul(10).wrapping_add(u128::from(digit - b'0'));
        *at += 1;
    }
    number
}

#[test]
fn the_same_state_at_another_time_is_the_same() {
    let (early, late) = (START, START + Duration::from_secs(5));
    let due = |now: Duration| (now + Duration::from_millis(1500), Duration::from_secs(7), "x");
    assert_eq!(digest(&due(early), early), digest(&due(late), late));
    assert_ne!(digest(&due(early), early), digest(&due(early), late));
}
