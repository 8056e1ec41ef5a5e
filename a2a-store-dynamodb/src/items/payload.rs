//! JSON as it lies in an item: plain where it is small, compressed where that is smaller.

use std::io::{Read, Write};

use a2a_core::{BackendError, Result};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Below this size an item costs one write unit either way, and plain text can be read in the console.
const WORTHWHILE: usize = 600;

/// From this size on the work is done where it blocks nobody.
const LARGE: usize = 128 * 1024;

/// What is unpacked in any case, however little the table says that there is.
const LEAST_LIMIT: u64 = 1024 * 1024;

/// Bytes to store, and how to read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload {
    /// Whether the bytes are compressed.
    pub(crate) deflated: bool,
    /// JSON, compressed or not.
    pub(crate) bytes: Vec<u8>,
}

/// Writes a value as JSON.
pub(crate) fn to_json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|_| BackendError::rejected("a value that JSON cannot hold"))
}

/// Writes a value as JSON, as text.
pub(crate) fn to_text(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|_| BackendError::rejected("a value that JSON cannot hold"))
}

/// Packs JSON for an item.
pub(crate) async fn pack(json: Vec<u8>) -> Payload {
    if json.len() < WORTHWHILE {
        return Payload { deflated: false, bytes: json };
    }
    if json.len() < LARGE {
        return deflate(json);
    }
    let kept = std::sync::Arc::new(json);
    let shared = std::sync::Arc::clone(&kept);
    let packed = tokio::task::spawn_blocking(move || deflate_shared(&shared)).await;
    match packed {
        Ok(Some(bytes)) => Payload { deflated: true, bytes },
        // Not smaller; or the runtime is shutting down, and plain bytes are as good.
        _ => Payload { deflated: false, bytes: std::sync::Arc::unwrap_or_clone(kept) },
    }
}

fn deflate(json: Vec<u8>) -> Payload {
    match deflate_shared(&json) {
        Some(bytes) => Payload { deflated: true, bytes },
        None => Payload { deflated: false, bytes: json },
    }
}

fn deflate_shared(json: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(4));
    encoder.write_all(json).ok()?;
    encoder.finish().ok().filter(|bytes| bytes.len() < json.len())
}

/// Unpacks what [`pack`] has packed. What unpacks to more than `most` bytes, which whoever wrote it recorded beside it, is
/// corrupt: a few bytes could stand for a thousand times as many.
pub(crate) async fn unpack<T>(what: &'static str, payload: Payload, most: u64) -> Result<T>
where
    T: DeserializeOwned + Send + 'static,
{
    let most = most.max(LEAST_LIMIT);
    if payload.bytes.len() < LARGE {
        return parse(what, &payload, most);
    }
    tokio::task::spawn_blocking(move || parse(what, &payload, most))
        .await
        .map_err(|stopped| BackendError::Unavailable(stopped.into()))?
}

fn parse<T: DeserializeOwned>(what: &'static str, payload: &Payload, most: u64) -> Result<T> {
    let mut plain = Vec::new();
    let json = if payload.deflated {
        let unpacked = DeflateDecoder::new(payload.bytes.as_slice())
            .take(most.saturating_add(1))
            .read_to_end(&mut plain)
            .map_err(|cause| BackendError::Corrupt { what: what.to_owned(), cause: Some(cause.into()) })?;
        if unpacked as u64 > most {
            return Err(BackendError::corrupt(format!("{what} unpacks to more than its {most} bytes")));
        }
        &plain
    } else {
        &payload.bytes
    };
    from_json(what, json)
}

/// Reads a value from JSON.
pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, json: &[u8]) -> Result<T> {
    // The parser's own words quote what they stumbled over; only where is safe to tell.
    serde_json::from_slice(json)
        .map_err(|error| BackendError::corrupt(format!("{what}, at byte {} of its JSON", error.column())))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn round(text: &str) -> (Payload, String) {
        let payload = pack(to_json(&text).unwrap()).await;
        (payload.clone(), unpack("text", payload, u64::MAX).await.unwrap())
    }

    #[tokio::test]
    async fn what_is_packed_reads_back() {
        for length in [0, 10, WORTHWHILE, LARGE, 3 * LARGE] {
            let text = "é".repeat(length);
            assert_eq!(round(&text).await.1, text);
        }
    }

    #[tokio::test]
    async fn small_json_stays_readable() {
        assert!(!round("hello").await.0.deflated);
    }

    #[tokio::test]
    async fn json_is_compressed_only_where_that_is_smaller() {
        let mut seed = fastrand::Rng::with_seed(7);
        let noise: String =
            std::iter::repeat_with(|| seed.char('\u{100}'..'\u{10000}')).take(400_000).collect();
        for size in [1_000, 400_000] {
            let text = noise.get(..noise.floor_char_boundary(size)).unwrap();
            let (payload, back) = round(text).await;
            assert!(payload.bytes.len() <= text.len() + 2);
            assert_eq!(back, text);
            assert!(round(&"a".repeat(size)).await.0.bytes.len() < size / 20);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_corrupt_and_quotes_nothing() {
        for deflated in [false, true] {
            let payload = Payload { deflated, bytes: b"{\"secret\": sec".to_vec() };
            let error = unpack::<String>("an event", payload, 0).await.unwrap_err();
            assert!(matches!(error, BackendError::Corrupt { .. }));
            assert!(!format!("{error:?}").contains("secret"));
        }
    }

    #[tokio::test]
    async fn what_unpacks_to_more_than_was_written_is_corrupt() {
        let text = "a".repeat(64 * LARGE);
        let payload = pack(to_json(&text).unwrap()).await;
        let written = text.len() as u64 + 2;
        assert!(payload.deflated && payload.bytes.len() < LARGE, "a bomb is small");
        for (most, reads) in [(written, true), (written - 1, false), (0, false)] {
            let unpacked = unpack::<String>("text", payload.clone(), most).await;
            assert_eq!(unpacked.is_ok(), reads, "{most} bytes");
            assert!(reads || matches!(unpacked, Err(BackendError::Corrupt { .. })));
        }
        // What says nothing of its size, as little things do not, is small.
        let small = pack(to_json(&"a".repeat(LARGE)).unwrap()).await;
        assert!(unpack::<String>("text", small, 0).await.is_ok());
    }
}
