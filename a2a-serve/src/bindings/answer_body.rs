//! Answers in one piece, as long as there is room for them: what waits for clients that read slowly is bounded over all of them.

use a2a::A2AError;
use a2a_cluster::unavailable;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, Version};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;

use super::content::ROOM_AGAIN;
use super::in_flight::{Full, Held, InFlight};
use super::unsent::{One, Unsent};

/// Answers up to this size are not counted on HTTP/1, where a connection has one at a time, and buffers that are larger.
const FREE: usize = 64 * 1024;

/// Where the answer to a request goes.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    room: InFlight,
    free: usize,
    /// Unknown on a socket that is served by others.
    connection: Option<Unsent>,
}

/// An answer on its way, until this is dropped: the room that it takes, and its place among those that its connection waits for.
#[derive(Debug)]
pub(super) struct Sending {
    _room: Held,
    _waits: Option<One>,
}

impl Outgoing {
    pub(super) fn of<B>(room: &InFlight, request: &Request<B>) -> Self {
        let free = if request.version() > Version::HTTP_11 { 0 } else { FREE };
        Outgoing { room: room.clone(), free, connection: request.extensions().get().cloned() }
    }

    /// Holds room for an answer of this size, unless it need not be counted.
    ///
    /// # Errors
    /// Unavailable: there is none now.
    pub(super) fn hold(&self, bytes: usize) -> Result<Option<Sending>, A2AError> {
        if bytes <= self.free {
            return Ok(None);
        }
        let mut room = self.room.none();
        room.more(bytes).map_err(|Full| unavailable(ROOM_AGAIN))?;
        Ok(Some(Sending { _room: room, _waits: self.connection.as_ref().map(Unsent::one) }))
    }

    /// Writes an answer.
    ///
    /// # Errors
    /// There is no room for it, or it cannot be written.
    pub(super) fn json(
        &self,
        media_type: &'static str,
        answer: &impl Serialize,
    ) -> Result<Response, A2AError> {
        let written = serde_json::to_vec(answer);
        let written =
            written.map_err(|error| A2AError::internal(format!("an answer cannot be written: {error}")))?;
        // What it grew to while it was written is up to twice what is in it.
        let bytes = if written.len() > self.free { written.capacity() } else { 0 };
        let body = match self.hold(bytes)? {
            Some(sending) => Bytes::from_owner(Kept { written, _until_it_is_sent: sending }),
            None => Bytes::from(written),
        };
        Ok(([(CONTENT_TYPE, media_type)], Body::from(body)).into_response())
    }
}

/// Bytes, and what they hold.
struct Kept {
    written: Vec<u8>,
    _until_it_is_sent: Sending,
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

    fn outgoing(room: &InFlight, version: Version) -> Outgoing {
        Outgoing::of(room, &Request::builder().version(version).body(()).unwrap())
    }

    #[tokio::test]
    async fn an_answer_holds_room_until_it_is_sent() {
        let room = InFlight::new(200_000);
        let outgoing = outgoing(&room, Version::HTTP_11);
        let json = |answer: &str| outgoing.json("application/json", &answer);
        let large = "x".repeat(70_000);
        let first = json(&large).unwrap();
        let refused = json(&large).unwrap_err();
        assert!(a2a_cluster::retry_after(&refused).is_some());
        assert!(json("small").is_ok());
        let sent = first.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(sent.len(), 70_002);
        assert!(json(&large).is_err());
        drop(sent);
        assert!(json(&large).is_ok());
    }

    #[test]
    fn small_answers_count_where_a_connection_has_many_at_a_time() {
        let room = InFlight::new(3 * 40_002);
        let small = "x".repeat(40_000);
        for (version, most) in [(Version::HTTP_11, 10), (Version::HTTP_2, 1)] {
            let outgoing = outgoing(&room, version);
            let kept: Vec<_> = (0..10).filter_map(|_| outgoing.json("text/plain", &small).ok()).collect();
            assert_eq!(kept.len(), most, "{version:?}");
        }
    }
}
