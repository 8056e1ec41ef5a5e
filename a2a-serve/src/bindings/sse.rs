//! Event streams over HTTP: each event written in one pass, in the form of its binding.

use std::convert::Infallible;
use std::time::Duration;

use a2a::{A2AError, StreamResponse};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::call::Events;
use super::error::detailed;
use super::jsonrpc::{Failure, Id, Success};
use super::status::{body, http_status};

/// Understood by nginx and others: send what there is, at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// After so much silence a comment says that the stream lives: proxies cut idle connections after 30 s and more.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Streams the answers to a JSON-RPC request (§9.4.2).
pub(super) fn answers(id: Id, events: Events) -> Response {
    respond(events, move |frame, event| match event {
        Ok(event) => frame.json_data(Success::new(&id, &event)),
        Err(error) => frame.json_data(Failure::new(&id, detailed(&error))),
    })
}

/// Streams REST's events (§11.7). An error has the body that it has everywhere else in REST, in an event of type
/// `error`.
pub(super) fn events(events: Events) -> Response {
    respond(events, |frame, event| match event {
        Ok(event) => frame.json_data(&event),
        Err(error) => frame.event("error").json_data(body(http_status(&error), &error)),
    })
}

/// Writes one frame for each event. None has an id: an id would have to mean the same on every connection.
fn respond<F>(events: Events, write: F) -> Response
where
    F: Fn(Event, Result<StreamResponse, A2AError>) -> Result<Event, axum::Error> + Send + 'static,
{
    let frames = events.map(move |event| {
        // JSON of the SDK's types always has string keys, so that it can be written.
        Ok::<_, Infallible>(write(Event::default(), event).unwrap_or_default())
    });
    let sse = Sse::new(frames).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // Asks everybody between here and the client to pass events on as they come.
    let mut response = sse.into_response();
    response.headers_mut().insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    response
}
