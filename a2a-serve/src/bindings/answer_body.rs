//! Answers in one piece, as long as there is room for them: what waits for clients that read slowly is bounded over all of them.

use a2a::A2AError;
use a2a_cluster::unavailable;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;

use super::content::ROOM_AGAIN;
use super::in_flight::{Full, Held, InFlight};

/// Answers up to this size are not counted: a connection's buffers are larger.
const FREE: usize = 64 * 1024;

/// Holds room for an answer of this size, unless it is small.
///
/// # Errors
/// Unavailable: there is none now.
pub(super) fn room(going_out: &InFlight, bytes: usize) -> Result<Option<Held>, A2AError> {
    if bytes <= FREE {
        return Ok(None);
    }
    let mut held = going_out.none();
    held.more(bytes).map_err(|Full| unavailable(ROOM_AGAIN))?;
    Ok(Some(held))
}

/// Writes an answer.
///
/// # Errors
/// There is no room for it, or it cannot be written.
pub(super) fn json(
    going_out: &InFlight,
    media_type: &'static str,
    answer: &impl Serialize,
) -> Result<Response, A2AError> {
    let written = serde_json::to_vec(answer);
    let written =
        written.map_err(|error| A2AError::internal(format!("an answer cannot be written: {error}")))?;
    let body = match room(going_out, written.len())? {
        Some(held) => Bytes::from_owner(Kept { written, _until_it_is_sent: held }),
        None => Bytes::from(written),
    };
    Ok(([(CONTENT_TYPE, media_type)], Body::from(body)).into_response())
}

/// Bytes, and the room that they take.
struct Kept {
    written: Vec<u8>,
    _until_it_is_sent: Held,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.written
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn an_answer_holds_room_until_it_is_sent() {
        let going_out = InFlight::new(100_000);
        let large = "x".repeat(70_000);
        let first = json(&going_out, "application/json", &large).unwrap();
        let refused = json(&going_out, "application/json", &large).unwrap_err();
        assert!(a2a_cluster::retry_after(&refused).is_some());
        assert!(json(&going_out, "application/json", &"small").is_ok());
        let sent = first.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(sent.len(), 70_002);
        assert!(json(&going_out, "application/json", &large).is_err());
        drop(sent);
        assert!(json(&going_out, "application/json", &large).is_ok());
    }
}
