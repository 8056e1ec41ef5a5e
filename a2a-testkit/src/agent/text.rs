//! What chunks say: numbers, prose, noise, and the time at which they were said.

use std::fmt::Write;

use a2a_core::{Env, SystemEnv};

/// What a chunk says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// Its number, in at least so many digits.
    Number(usize),
    /// So many bytes that differ from chunk to chunk and compress as prose does.
    Prose(usize),
    /// So many bytes that do not compress.
    Noise(usize),
    /// At least 21 bytes: when it was said, in nanoseconds since 1970, between two `@`; then dots.
    Stamp(usize),
}

/// What stands before and behind the time of a [`Text::Stamp`].
pub const MARK: u8 = b'@';

impl Text {
    /// The text of the chunk with this number, if it is said now.
    pub(super) fn of(self, number: usize) -> String {
        match self {
            Text::Number(width) => {
                let mut text = String::with_capacity(width.max(8));
                let _ = write!(text, "{number:0>width$}");
                text
            }
            Text::Prose(bytes) => prose(number as u64, bytes),
            Text::Noise(bytes) => {
                let mut random = fastrand::Rng::with_seed(number as u64);
                std::iter::repeat_with(|| random.alphanumeric()).take(bytes).collect()
            }
            Text::Stamp(bytes) => {
                let mut text = String::with_capacity(bytes.max(21));
                let _ = write!(text, "@{:019}@", stamp());
                text.extend(std::iter::repeat_n('.', bytes.saturating_sub(text.len())));
                text
            }
        }
    }
}

/// The time now as [`Text::Stamp`] says it. The clock is the same in all processes of a machine.
pub fn stamp() -> i64 {
    SystemEnv.now().timestamp_nanos_opt().unwrap_or_default()
}

const WORDS: [&str; 32] = [
    "the", "of", "and", "to", "in", "stream", "that", "is", "was", "for", "agent", "with", "answer", "as",
    "on", "be", "at", "by", "instance", "this", "had", "not", "are", "but", "from", "or", "have", "task",
    "they", "which", "one", "were",
];

fn prose(seed: u64, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 8);
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    while text.len() < bytes {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let word = usize::try_from(state >> 59).unwrap_or_default();
        text.push_str(WORDS[word]);
        text.push(' ');
    }
    text.truncate(bytes);
    text
}
