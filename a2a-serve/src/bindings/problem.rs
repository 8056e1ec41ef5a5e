//! Errors in REST's form: `google.rpc.Status` as JSON (§11.6), in the SDK's envelope.

use a2a::{A2AError, error_code};
use a2a_cluster::{is_unauthenticated, retry_after};
use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::advice::advise;
use super::error::detailed;
use super::refusal::Refusal;

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The response for `error`, with the HTTP status that its code maps to.
pub(super) fn respond(error: &A2AError) -> Response {
    respond_as(status_of(error), error)
}

/// The response for `error`, with a status of its own.
pub(super) fn respond_as(status: StatusCode, error: &A2AError) -> Response {
    let mut response = (status, Json(body(status, error))).into_response();
    response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
    advise(error, response.headers_mut());
    response
}

/// The error body.
pub(super) fn body(status: StatusCode, error: &A2AError) -> Value {
    // The SDK's JSON-RPC form holds the same details, `ErrorInfo` with its timestamp included.
    let details = detailed(error).data.unwrap_or_default();
    json!({
        "error": {
            "code": status.as_u16(),
            "status": status_name(error),
            "message": error.message,
            "details": details,
        }
    })
}

pub(super) fn status_of(error: &A2AError) -> StatusCode {
    if retry_after(error).is_some() {
        StatusCode::SERVICE_UNAVAILABLE
    } else if is_unauthenticated(error) {
        StatusCode::UNAUTHORIZED
    } else {
        StatusCode::from_u16(error.http_status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The canonical name of the gRPC status that goes with an error (§5.4).
fn status_name(error: &A2AError) -> &'static str {
    if retry_after(error).is_some() {
        return "UNAVAILABLE";
    }
    if is_unauthenticated(error) {
        return "UNAUTHENTICATED";
    }
    match error.code {
        error_code::TASK_NOT_FOUND => "NOT_FOUND",
        error_code::METHOD_NOT_FOUND => "UNIMPLEMENTED",
        error_code::TASK_NOT_CANCELABLE
        | error_code::PUSH_NOTIFICATION_NOT_SUPPORTED
        | error_code::UNSUPPORTED_OPERATION
        | error_code::EXTENDED_CARD_NOT_CONFIGURED
        | error_code::EXTENSION_SUPPORT_REQUIRED
        | error_code::VERSION_NOT_SUPPORTED => "FAILED_PRECONDITION",
        error_code::CONTENT_TYPE_NOT_SUPPORTED
        | error_code::PARSE_ERROR
        | error_code::INVALID_REQUEST
        | error_code::INVALID_PARAMS => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}

/// The response for a request that went no further.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let mut response = respond_as(refusal.status, &refusal.error);
    refusal.advise(&mut response);
    response
}
