//! Reads a body into one piece.

use axum::body::HttpBody;
use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;

use super::in_flight::{Full, Held, InFlight};

/// Why a body was not read to its end.
#[derive(Debug)]
pub(super) enum Unread {
    TooLarge,
    BrokenOff,
    /// The instance holds as much as it may.
    NoRoom,
}

/// Reads a body of at most `limit` bytes, and holds room for it; trailers are dropped.
///
/// What comes is copied together at once: a list of what came would be many times its size where a client sends byte by byte.
///
/// # Errors
/// It is larger, breaks off, or there is no room for it.
pub(super) async fn collect<B: HttpBody + Unpin>(
    body: &mut B,
    limit: usize,
    in_flight: &InFlight,
) -> Result<(Bytes, Held), Unread> {
    let mut whole = BytesMut::new();
    let mut held = in_flight.none();
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|_| Unread::BrokenOff)?.into_data() else { continue };
        if data.remaining() > limit.saturating_sub(whole.len()) {
            return Err(Unread::TooLarge);
        }
        held.more(data.remaining()).map_err(|Full| Unread::NoRoom)?;
        if whole.is_empty() && body.is_end_stream() {
            return Ok((data.copy_to_bytes(data.remaining()), held));
        }
        while data.has_remaining() {
            let length = data.chunk().len();
            whole.extend_from_slice(data.chunk());
            data.advance(length);
        }
    }
    Ok((whole.freeze(), held))
}
