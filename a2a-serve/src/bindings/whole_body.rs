//! Reads a body into one piece.

use axum::body::HttpBody;
use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;

/// Why a body was not read to its end.
#[derive(Debug)]
pub(super) enum Unread {
    TooLarge,
    BrokenOff,
}

/// Reads a body of at most `limit` bytes; trailers are dropped.
///
/// What comes is copied together at once: a list of what came would be many times its size where a client sends byte by byte.
///
/// # Errors
/// It is larger, or breaks off.
pub(super) async fn collect<B: HttpBody + Unpin>(body: &mut B, limit: usize) -> Result<Bytes, Unread> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|_| Unread::BrokenOff)?.into_data() else { continue };
        if data.remaining() > limit.saturating_sub(whole.len()) {
            return Err(Unread::TooLarge);
        }
        if whole.is_empty() && body.is_end_stream() {
            return Ok(data.copy_to_bytes(data.remaining()));
        }
        while data.has_remaining() {
            let length = data.chunk().len();
            whole.extend_from_slice(data.chunk());
            data.advance(length);
        }
    }
    Ok(whole.freeze())
}
