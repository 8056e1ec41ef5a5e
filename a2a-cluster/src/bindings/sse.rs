//! Event streams over HTTP: each event written in one pass, in the form of its binding.
//!
//! The SDK's transports turn each event into protobuf, that into bytes, those into another protobuf, and that into
//! a JSON value, which they copy and then write. The SDK's own types write the same JSON at once, and cost a fifth.

use std::convert::Infallible;
use std::time::Duration;

use a2a::{A2AError, JsonRpcId, JsonRpcResponse, StreamResponse};
use axum::http::HeaderValue;
use axum::http::header::HeaderName;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde::Serialize;

use super::call::Events;
use super::problem;

/// Understood by nginx and others: send what there is, at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// After so much silence a comment says that the stream lives: proxies cut idle connections after 30 s and more.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Streams the answers to a JSON-RPC request (§9.4.2).
pub(super) fn answers(id: JsonRpcId, events: Events) -> Response {
    respond(events, move |frame, event| match event {
        Ok(event) => frame.json_data(Answer { jsonrpc: "2.0", id: &id, result: &event }),
        Err(error) => frame.json_data(JsonRpcResponse::error(id.clone(), error.to_jsonrpc_error())),
    })
}

/// Streams REST's events (§11.7). An error has the body that it has everywhere else in REST, in an event of type
/// `error`.
pub(super) fn events(events: Events) -> Response {
    respond(events, |frame, event| match event {
        Ok(event) => frame.json_data(&event),
        Err(error) => frame.event("error").json_data(problem::body(problem::status_of(&error), &error)),
    })
}

/// A JSON-RPC response, without a copy of what it holds.
#[derive(Serialize)]
struct Answer<'a> {
    jsonrpc: &'static str,
    id: &'a JsonRpcId,
    result: &'a StreamResponse,
}

/// Numbers the events of a response from 1, so that a client sees when it lost one.
fn respond<F>(events: Events, write: F) -> Response
where
    F: Fn(Event, Result<StreamResponse, A2AError>) -> Result<Event, axum::Error> + Send + 'static,
{
    let mut number = 0u64;
    let frames = events.map(move |event| {
        number += 1;
        let frame = Event::default().id(number.to_string());
        // JSON of the SDK's types always has string keys, so that it can be written.
        Ok::<_, Infallible>(write(frame, event).unwrap_or_default())
    });
    let sse = Sse::new(frames).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // Asks everybody between here and the client to pass events on as they come.
    ([(X_ACCEL_BUFFERING, HeaderValue::from_static("no"))], sse).into_response()
}

#[cfg(test)]
mod tests {
    use a2a::{Part, Task, TaskState};
    use a2a_core::reduce;
    use a2a_pb::protojson_conv;
    use a2a_testkit::sample::{at, chunk, message, parts_of_every_kind, status_saying, task};
    use serde_json::Value;

    use super::*;
    use crate::limits;

    /// Protobuf knows one kind of number, and leaves out what is empty or false.
    fn as_protobuf_sees_it(value: Value) -> Value {
        match value {
            Value::Number(number) => Value::from(number.as_f64().unwrap()),
            Value::Array(items) => items.into_iter().map(as_protobuf_sees_it).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, field)| (name, as_protobuf_sees_it(field))).collect()
            }
            other => other,
        }
    }

    /// Protobuf nests about thirty levels; what is deeper comes through no binding.
    fn parts() -> Vec<Part> {
        let shallow = |part: &Part| {
            let event = chunk(&task("t", "c", TaskState::Working, at(0)), "a", vec![part.clone()], false);
            limits::depth_of_event(&event) <= 24
        };
        parts_of_every_kind().into_iter().filter(shallow).collect()
    }

    #[test]
    fn an_event_is_written_as_the_sdks_transports_write_it() {
        let owner: Task = task("t", "c", TaskState::Working, at(1_700_000_000_123));
        let events = [
            chunk(&owner, "a", parts(), false),
            chunk(&owner, "a", parts(), true),
            message(&owner, "m", parts()),
            status_saying(&owner, TaskState::InputRequired, at(1_700_000_001_000), "s", parts()),
        ];
        let mut whole = owner;
        events.iter().for_each(|event| reduce::apply(&mut whole, event));
        for event in events.into_iter().chain([StreamResponse::Task(whole)]) {
            let written = as_protobuf_sees_it(serde_json::to_value(&event).unwrap());
            let by_the_sdk = as_protobuf_sees_it(protojson_conv::to_value(&event).unwrap());
            assert_eq!(written, by_the_sdk);
        }
    }
}
