//! Event streams over HTTP: each event written in one pass, in the form of its binding.

use std::convert::Infallible;
use std::time::Duration;

use a2a::{A2AError, StreamResponse};
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use http_body::Frame;
use serde::Serialize;

use super::call::Events;
use super::error::detailed;
use super::in_flight::InFlight;
use super::jsonrpc::{Failure, Id, Success};
use super::status::{body, http_status};
use super::stream_body::StreamBody;

/// Understood by nginx and others: send what there is, at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// After so much silence a comment says that the stream lives: proxies cut idle connections after 30 s and more.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Streams the answers to a JSON-RPC request (§9.4.2).
pub(super) fn answers(room: &InFlight, id: Id, events: Events) -> Response {
    let ending = id.clone();
    let end = move |error: A2AError| last("", &Failure::new(&ending, detailed(&error)));
    respond(room, events, end, move |frame, event| match event {
        Ok(event) => frame.json_data(Success::new(&id, &event)),
        Err(error) => frame.json_data(Failure::new(&id, detailed(&error))),
    })
}

/// Streams REST's events (§11.7). An error has the body that it has everywhere else in REST, in an event of type
/// `error`.
pub(super) fn events(room: &InFlight, events: Events) -> Response {
    let end = |error: A2AError| last("event: error\n", &body(http_status(&error), &error));
    respond(room, events, end, |frame, event| match event {
        Ok(event) => frame.json_data(&event),
        Err(error) => frame.event("error").json_data(body(http_status(&error), &error)),
    })
}

/// The frame of an event by which a stream ends that has no room.
fn last(kind: &str, data: &impl Serialize) -> Frame<Bytes> {
    let data = serde_json::to_string(data).unwrap_or_default();
    Frame::data(Bytes::from(format!("{kind}data: {data}\n\n")))
}

/// Writes one frame for each event. None has an id: an id would have to mean the same on every connection.
fn respond<E, F>(room: &InFlight, events: Events, end: E, write: F) -> Response
where
    E: FnOnce(A2AError) -> Frame<Bytes> + Send + 'static,
    F: Fn(Event, Result<StreamResponse, A2AError>) -> Result<Event, axum::Error> + Send + 'static,
{
    let frames = events.map(move |event| {
        // JSON of the SDK's types always has string keys, so that it can be written.
        Ok::<_, Infallible>(write(Event::default(), event).unwrap_or_default())
    });
    let sse = Sse::new(frames).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // Asks everybody between here and the client to pass events on as they come.
    let mut response =
        sse.into_response().map(|frames| Body::new(StreamBody::new(frames, room.clone(), end)));
    response.headers_mut().insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    response
}

#[cfg(test)]
mod tests {
    use a2a::{Message, Part, Role};
    use futures::stream;
    use http_body_util::BodyExt;

    use super::*;

    fn two_large() -> Events {
        let message = Message::new(Role::Agent, vec![Part::text("x".repeat(6_000))]);
        stream::iter(vec![Ok(StreamResponse::Message(message)); 2]).boxed()
    }

    async fn text(response: Response) -> String {
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_stream_without_room_ends_with_an_error_in_its_bindings_form() {
        let room = InFlight::new(10_000);
        let rest = text(events(&room, two_large())).await;
        let (first, last) = rest.split_once("\n\n").unwrap();
        assert!(first.starts_with("data: ") && last.starts_with("event: error\ndata: "), "{last}");
        assert!(last.contains("UNAVAILABLE") && last.ends_with("\n\n"), "{last}");
        let jsonrpc = text(answers(&room, serde_json::from_str("7").unwrap(), two_large())).await;
        let (_, last) = jsonrpc.split_once("\n\n").unwrap();
        let last: serde_json::Value =
            serde_json::from_str(last.trim().strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!((&last["id"], &last["error"]["code"]), (&7.into(), &(-32603).into()));
    }
}
