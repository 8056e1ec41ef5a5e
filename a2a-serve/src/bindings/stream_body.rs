//! The body of a stream: what its readers have not taken is bounded over all streams.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use a2a::A2AError;
use a2a_cluster::unavailable;
use axum::body::HttpBody;
use bytes::Bytes;
use http_body::Frame;

use super::content::ROOM_AGAIN;
use super::in_flight::{Full, Held, InFlight};

/// Events up to this size are not counted: there are many of them, and a connection's buffers are larger.
const FREE: usize = 4 * 1024;

/// How a stream says why it ends.
type End = Box<dyn FnOnce(A2AError) -> Frame<Bytes> + Send>;

/// A stream of frames, of which the large ones hold room until they are sent. Where there is none, the stream ends with an error
/// after which its reader may come again: a reader may take its time, but not everybody's memory.
pub(super) struct StreamBody<B> {
    frames: Option<B>,
    room: InFlight,
    end: Option<End>,
}

impl<B> StreamBody<B> {
    pub(super) fn new(
        frames: B,
        room: InFlight,
        end: impl FnOnce(A2AError) -> Frame<Bytes> + Send + 'static,
    ) -> Self {
        StreamBody { frames: Some(frames), room, end: Some(Box::new(end)) }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for StreamBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(frames) = &mut self.frames else { return Poll::Ready(None) };
        let frame = match ready!(Pin::new(frames).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            other => return Poll::Ready(other),
        };
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        if bytes <= FREE {
            return Poll::Ready(Some(Ok(frame)));
        }
        let mut held = self.room.none();
        Poll::Ready(match held.more(bytes) {
            Ok(()) => Some(Ok(frame.map_data(|bytes| Bytes::from_owner(Kept(bytes, held))))),
            Err(Full) => {
                self.frames = None;
                self.end.take().map(|end| Ok(end(unavailable(ROOM_AGAIN))))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.frames.as_ref().is_none_or(HttpBody::is_end_stream)
    }
}

/// Bytes, and the room that they take.
struct Kept(Bytes, #[expect(dead_code, reason = "dropped with the bytes")] Held);

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures::stream;
    use http_body_util::BodyExt;

    use super::*;

    fn body(room: &InFlight) -> StreamBody<Body> {
        let frames = stream::iter(["x"; 4].map(|text| Ok::<_, std::io::Error>(text.repeat(6_000))));
        StreamBody::new(Body::from_stream(frames), room.clone(), |error| {
            assert!(a2a_cluster::retry_after(&error).is_some());
            Frame::data(Bytes::from("come again"))
        })
    }

    async fn next(body: &mut StreamBody<Body>) -> Option<Bytes> {
        Some(body.frame().await?.unwrap().into_data().unwrap())
    }

    #[tokio::test]
    async fn a_reader_that_takes_what_it_is_sent_gets_all_of_it() {
        let mut body = body(&InFlight::new(6_000));
        for _ in 0..4 {
            assert_eq!(next(&mut body).await.unwrap().len(), 6_000);
        }
        assert!(next(&mut body).await.is_none());
    }

    #[tokio::test]
    async fn a_stream_ends_where_there_is_no_room_for_what_is_not_taken() {
        let room = InFlight::new(13_000);
        let (mut lazy, mut other) = (body(&room), body(&room));
        let kept = [next(&mut lazy).await, next(&mut lazy).await];
        assert_eq!(next(&mut lazy).await.unwrap(), "come again");
        assert!(next(&mut lazy).await.is_none() && lazy.is_end_stream());
        drop(kept);
        assert_eq!(next(&mut other).await.unwrap().len(), 6_000);
    }
}
