//! Event streams: headers that keep proxies from holding events back, and errors in REST's own form.

use a2a::errordetails::TypedDetail;
use a2a::{A2AError, JsonRpcError};
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;

use super::problem;

/// Understood by nginx and others: send what there is, at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn is_stream(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

/// Asks everybody between here and the client to pass events on as they come.
pub(super) fn unbuffered(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
}

/// Replaces each JSON-RPC error object, which the SDK sends as an event on a REST stream, by the error body that
/// REST sends everywhere else, in an event of type `error`.
pub(super) fn errors_as_problems(response: Response) -> Response {
    response.map(|body| {
        Body::new(body.map_frame(|frame| frame.map_data(|event| as_problem(&event).unwrap_or(event))))
    })
}

/// The event with its error rewritten; `None` for every other event. The SDK writes an event into one frame, its
/// id first.
fn as_problem(event: &Bytes) -> Option<Bytes> {
    let id = event.strip_prefix(b"id: ")?.split(|byte| *byte == b'\n').next()?;
    let data = event.get(b"id: \n".len() + id.len()..)?.strip_prefix(b"data: ")?;
    // Events are objects named by their kind: none begins with a code.
    if !data.starts_with(b"{\"code\":") {
        return None;
    }
    let error: JsonRpcError = serde_json::from_slice(data).ok()?;
    let details = error.data.and_then(|data| serde_json::from_value::<Vec<TypedDetail>>(data).ok());
    let error = A2AError { code: error.code, message: error.message, details };
    let problem = problem::body(problem::status_of(&error), &error);
    let id = String::from_utf8_lossy(id);
    Some(Bytes::from(format!("event: error\nid: {id}\ndata: {problem}\n\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_are_rewritten() {
        let error = Bytes::from("id: 7\ndata: {\"code\":-32001,\"message\":\"gone\"}\n\n");
        let rewritten = String::from_utf8(as_problem(&error).unwrap().to_vec()).unwrap();
        assert!(rewritten.starts_with("event: error\nid: 7\ndata: {\"error\":{\"code\":404,"), "{rewritten}");
        assert!(rewritten.ends_with("\n\n") && rewritten.contains("TASK_NOT_FOUND"), "{rewritten}");
        for other in ["id: 1\ndata: {\"task\":{}}\n\n", ":\n\n", "", "id: 1", "data: {\"code\":1}\n\n"] {
            assert_eq!(as_problem(&Bytes::from(other)), None, "{other:?}");
        }
    }
}
