//! The text of one streamed chunk: `NNNNNN|UNIX_NANOSECONDS|` and padding, so that anyone can check order and delay.

use chrono::{DateTime, Utc};

/// The id of the artifact that the chunks of one task append to.
pub(crate) const ARTIFACT_ID: &str = "chunks";
/// The length of every chunk's text in bytes.
pub(crate) const LENGTH: usize = 120;
/// The highest number that a chunk can carry; the first is 1.
pub(crate) const MAX_NUMBER: u32 = 100_000;

/// What a chunk's text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// The place among the chunks of its task, from 1 on.
    pub(crate) number: u32,
    /// When the agent made it.
    pub(crate) made: DateTime<Utc>,
}

impl Chunk {
    /// Writes the text, which is exactly [`LENGTH`] bytes long.
    pub(crate) fn encode(self) -> String {
        // A date outside the years 1677 to 2262 has no such count; the machine's clock is then the least problem.
        let nanos = self.made.timestamp_nanos_opt().unwrap_or_default();
        format!("{:x<LENGTH$}", format!("{:06}|{nanos}|", self.number))
    }

    /// Reads a chunk's text; `None` when it is not one.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let (number, rest) = text.split_once('|')?;
        let (nanos, padding) = rest.split_once('|')?;
        let padded = text.len() == LENGTH && padding.bytes().all(|byte| byte == b'x');
        padded.then_some(())?;
        Some(Self { number: number.parse().ok()?, made: DateTime::from_timestamp_nanos(nanos.parse().ok()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_120_bytes_and_reads_back() {
        for number in [1, 42, 999, MAX_NUMBER] {
            let chunk = Chunk { number, made: DateTime::from_timestamp_nanos(1_790_000_000_123_456_789) };
            let text = chunk.encode();
            assert_eq!(text.len(), LENGTH);
            assert!(text.starts_with(&format!("{number:06}|1790000000123456789|xxx")), "{text}");
            assert_eq!(Chunk::decode(&text), Some(chunk));
        }
    }

    #[test]
    fn other_texts_are_no_chunks() {
        let good = Chunk { number: 7, made: DateTime::from_timestamp_nanos(1) }.encode();
        for bad in [
            "",
            "hello",
            "000001|2|xxx",
            &good.replace('x', "y"),
            &format!("{good}x"),
            &good.replace('7', "?"),
        ] {
            assert_eq!(Chunk::decode(bad), None, "{bad:?}");
        }
    }
}
