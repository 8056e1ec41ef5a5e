//! Answers in one piece, as long as there is room for them: what waits for clients that read slowly is bounded over all of them.

use std::sync::Arc;

use a2a::A2AError;
use a2a_cluster::unavailable;
use axum::body::{Body, HttpBody};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt;
use serde::Serialize;

use super::advice::advise;
use super::content::ROOM_AGAIN;
use super::in_flight::{Full, Held, InFlight};
use super::unsent::{One, Unsent};

/// Answers up to this size are not counted on HTTP/1, where a connection has one at a time, and buffers that are larger.
const FREE: usize = 64 * 1024;

/// Where the answer to a request goes.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    room: InFlight,
    free: usize,
    /// Unknown on a socket that is served by others.
    connection: Option<Unsent>,
}

/// Noted at an answer for which room is held already.
#[derive(Debug, Clone, Copy)]
struct Counted;

/// An answer on its way, until this is dropped: the room that it takes, and its place among those that its connection waits for.
#[derive(Debug)]
pub(super) struct Sending {
    _room: Held,
    _waits: Option<One>,
}

impl Outgoing {
    pub(crate) fn of<B>(room: &InFlight, request: &Request<B>) -> Self {
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
        let sending = self.hold(bytes)?;
        let counted = sending.is_some().then_some(axum::Extension(Counted));
        let body = match sending {
            Some(sending) => Bytes::from_owner(Kept { bytes: written, _until_it_is_sent: sending }),
            None => Bytes::from(written),
        };
        Ok((counted, [(CONTENT_TYPE, media_type)], Body::from(body)).into_response())
    }

    /// Holds room for an answer in one piece for which nobody does yet, such as an error. Where there is none, only a head is
    /// answered.
    pub(crate) fn counted(&self, response: Response) -> Response {
        let bytes = response.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
        let Some(bytes) = bytes.filter(|_| response.extensions().get::<Counted>().is_none()) else {
            return response;
        };
        match self.hold(bytes) {
            Ok(None) => response,
            Ok(Some(sending)) => {
                let sending = Arc::new(sending);
                response.map(|body| Body::new(body.map_frame(move |frame| held_by(frame, &sending))))
            }
            Err(error) => {
                let mut refused = StatusCode::SERVICE_UNAVAILABLE.into_response();
                advise(&error, refused.headers_mut());
                refused
            }
        }
    }
}

/// A frame whose bytes hold what its answer holds.
pub(super) fn held_by(frame: Frame<Bytes>, sending: &Arc<Sending>) -> Frame<Bytes> {
    frame.map_data(|bytes| Bytes::from_owner(Kept { bytes, _until_it_is_sent: Arc::clone(sending) }))
}

/// Bytes, and what they hold.
struct Kept<B, S> {
    bytes: B,
    _until_it_is_sent: S,
}

impl<B: AsRef<[u8]>, S> AsRef<[u8]> for Kept<B, S> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

#[cfg(test)]
mod tests {
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

    #[tokio::test]
    async fn what_a_binding_did_not_count_is_counted_and_what_it_did_is_not_counted_twice() {
        let room = InFlight::new(3_500);
        let outgoing = outgoing(&room, Version::HTTP_2);
        let json = outgoing.counted(outgoing.json("text/plain", &"x".repeat(998)).unwrap());
        let error = outgoing.counted((StatusCode::NOT_FOUND, "x".repeat(1_000)).into_response());
        assert_eq!(error.status(), 404);
        let refused = outgoing.counted("x".repeat(1_000).into_response());
        assert_eq!(
            (refused.status().as_u16(), refused.headers()["retry-after"].as_bytes()),
            (503, &b"1"[..])
        );
        assert!(refused.into_body().collect().await.unwrap().to_bytes().is_empty());
        let sent = error.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(sent.len(), 1_000);
        assert_eq!(outgoing.counted("x".repeat(1_000).into_response()).status(), 503);
        drop(sent);
        assert_eq!(outgoing.counted("x".repeat(1_000).into_response()).status(), 200);
        drop(json);
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
