//! Reads a request's body within its limit, and judges its content type.

use std::time::Duration;

use a2a::{A2AError, error_code};
use a2a_cluster::unavailable;
use axum::extract::Request;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use tokio::time::timeout;

use super::in_flight::{Held, InFlight};
use super::nesting;
use super::refusal::Refusal;
use super::weight;
use super::whole_body::{Unread, collect};

/// When there may be room again for a body.
pub(super) const ROOM_AGAIN: Duration = Duration::from_secs(1);

/// How long a body may take.
pub(super) const BODY_PATIENCE: Duration = Duration::from_secs(60);

/// What a request says about the form of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContentType {
    Missing,
    Json,
    Other,
}

impl ContentType {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(CONTENT_TYPE) else { return Self::Missing };
        let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let is_json = [&b"application/json"[..], b"application/a2a+json"]
            .iter()
            .any(|json| essence.eq_ignore_ascii_case(json));
        if is_json { Self::Json } else { Self::Other }
    }
}

/// For a body that is not announced as JSON.
pub(super) fn not_json() -> Refusal {
    let message = "the content type must be application/json or application/a2a+json";
    Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error_code::CONTENT_TYPE_NOT_SUPPORTED, message)
}

/// Takes a request's whole body out of it. What is announced as too large is not read at all.
///
/// # Errors
/// 415 for a body that is compressed, 413 for one of more than `limit` bytes, or that would become too large, 408 for one that takes
/// too long, 503 where there is no room for it, 400 for one that breaks off or that no parser should see. The rest of it stays in the request.
pub(super) async fn take_body(
    request: &mut Request,
    limit: usize,
    in_flight: &InFlight,
) -> Result<(Bytes, Held), Refusal> {
    if is_encoded(request.headers()) {
        return Err(Refusal::encoding());
    }
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    // Nobody behind reads it, and the body may be replaced by a shorter one.
    request.headers_mut().remove(CONTENT_LENGTH);
    // From now on the client has been told to go on.
    request.headers_mut().remove(EXPECT);
    let mut body = std::mem::take(request.body_mut());
    let refusal = match timeout(BODY_PATIENCE, collect(&mut body, limit, in_flight)).await {
        Err(_) => return Err(too_slow()),
        Ok(Ok((body, _))) if nesting::is_hidden(&body) => return Err(reserved_name()),
        Ok(Ok((body, _))) if !weight::json::is_within(&body) => return Err(too_many_values()),
        Ok(Ok(read)) => return Ok(read),
        Ok(Err(Unread::TooLarge)) => too_large(limit),
        Ok(Err(Unread::BrokenOff)) => broken_off(),
        Ok(Err(Unread::NoRoom)) => unavailable(ROOM_AGAIN).into(),
    };
    *request.body_mut() = body;
    Err(refusal)
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let encodings = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    encodings
        .map(<[u8]>::trim_ascii)
        .any(|encoding| !encoding.is_empty() && !encoding.eq_ignore_ascii_case(b"identity"))
}

/// A body as text.
///
/// # Errors
/// `ParseError` for what is not UTF-8, as JSON must be.
pub(super) fn text(body: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(body).map_err(|_| A2AError::parse_error("the request body is not UTF-8").into())
}

fn too_large(limit: usize) -> Refusal {
    let message = format!("the request body is larger than {limit} bytes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error_code::INVALID_REQUEST, message)
}

/// For a body where there is to be none, and that does not end.
pub(super) fn unwanted() -> Refusal {
    let message = "a request of this kind has no body";
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error_code::INVALID_REQUEST, message)
}

fn too_slow() -> Refusal {
    let message = format!("the request body took longer than {} seconds", BODY_PATIENCE.as_secs());
    Refusal::last(StatusCode::REQUEST_TIMEOUT, error_code::INVALID_REQUEST, message)
}

fn too_many_values() -> Refusal {
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, error_code::INVALID_REQUEST, weight::TOO_MANY_VALUES)
}

fn reserved_name() -> Refusal {
    let message = "the request body holds a reserved field name";
    Refusal::new(StatusCode::BAD_REQUEST, error_code::INVALID_REQUEST, message)
}

fn broken_off() -> Refusal {
    let message = "the request body broke off before its end";
    Refusal::new(StatusCode::BAD_REQUEST, error_code::PARSE_ERROR, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_do_not_change_a_content_type() {
        for (value, seen) in [
            ("application/json", ContentType::Json),
            ("Application/JSON; charset=utf-8", ContentType::Json),
            ("application/a2a+json ;x=y", ContentType::Json),
            ("text/plain", ContentType::Other),
            ("application/jsonp", ContentType::Other),
            ("", ContentType::Other),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]);
            assert_eq!(ContentType::of(&headers), seen, "{value:?}");
        }
        assert_eq!(ContentType::of(&HeaderMap::new()), ContentType::Missing);
    }
}
