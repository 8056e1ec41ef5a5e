//! The status of an error: HTTP's, gRPC's code, and `google.rpc.Status` as JSON, which REST answers with (§5.4, §11.6).

use a2a::{A2AError, error_code};
use a2a_cluster::{challenge, is_forbidden, retry_after};
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tonic::Code;

use super::advice::advise;
use super::error::detailed;
use super::refusal::Refusal;
use super::told::Told;

/// Of all that REST answers with, errors included (§11.1, §11.6).
pub(super) const MEDIA_TYPE: &str = "application/a2a+json";

/// The response for `error`, with the HTTP status that its code maps to.
pub(super) fn respond(error: &A2AError) -> Response {
    respond_as(http_status(error), error)
}

/// The response for a request that went no further.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let mut response = respond_as(refusal.status, &refusal.error);
    refusal.advise(&mut response);
    response
}

fn respond_as(status: StatusCode, error: &A2AError) -> Response {
    let mut response = (status, [(CONTENT_TYPE, MEDIA_TYPE)], Json(body(status, error))).into_response();
    advise(error, response.headers_mut());
    Told::of(error).tell(&mut response);
    response
}

/// The error body.
pub(super) fn body(status: StatusCode, error: &A2AError) -> Value {
    // The SDK's JSON-RPC form holds the same details, `ErrorInfo` with its timestamp included.
    let details = detailed(error).data.unwrap_or_default();
    json!({
        "error": {
            "code": status.as_u16(),
            "status": name(grpc_code(error)),
            "message": error.message,
            "details": details,
        }
    })
}

/// What HTTP says of an error.
pub(super) fn http_status(error: &A2AError) -> StatusCode {
    let own = StatusCode::from_u16(error.http_status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    http_status_of_mark(error).unwrap_or(own)
}

/// What HTTP says of an error for which A2A has no code. It is said on JSON-RPC, too: gateways, load balancers and caches
/// act on it.
pub(super) fn http_status_of_mark(error: &A2AError) -> Option<StatusCode> {
    if retry_after(error).is_some() {
        Some(StatusCode::SERVICE_UNAVAILABLE)
    } else if challenge(error).is_some() {
        Some(StatusCode::UNAUTHORIZED)
    } else if is_forbidden(error) {
        Some(StatusCode::FORBIDDEN)
    } else {
        None
    }
}

/// The gRPC code that goes with an error.
pub(super) fn grpc_code(error: &A2AError) -> Code {
    if retry_after(error).is_some() {
        return Code::Unavailable;
    }
    if challenge(error).is_some() {
        return Code::Unauthenticated;
    }
    if is_forbidden(error) {
        return Code::PermissionDenied;
    }
    match error.code {
        error_code::TASK_NOT_FOUND => Code::NotFound,
        error_code::METHOD_NOT_FOUND => Code::Unimplemented,
        error_code::TASK_NOT_CANCELABLE
        | error_code::PUSH_NOTIFICATION_NOT_SUPPORTED
        | error_code::UNSUPPORTED_OPERATION
        | error_code::EXTENDED_CARD_NOT_CONFIGURED
        | error_code::EXTENSION_SUPPORT_REQUIRED
        | error_code::VERSION_NOT_SUPPORTED => Code::FailedPrecondition,
        error_code::CONTENT_TYPE_NOT_SUPPORTED
        | error_code::PARSE_ERROR
        | error_code::INVALID_REQUEST
        | error_code::INVALID_PARAMS => Code::InvalidArgument,
        _ => Code::Internal,
    }
}

/// The canonical name of a code.
pub(super) fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use a2a_cluster::{forbidden, unauthenticated, unavailable};
    use a2a_grpc::errors::a2a_error_to_status;

    use super::*;

    #[test]
    fn codes_are_those_of_the_sdk_for_every_error_of_the_protocol() {
        for code in -32_010..=-32_001 {
            let error = A2AError::new(code, "");
            let sdk = a2a_error_to_status(&error).code();
            if sdk != Code::Unknown {
                assert_eq!(grpc_code(&error), sdk, "{code}");
            }
        }
    }

    #[test]
    fn what_the_protocol_has_no_code_for_has_a_status_everywhere() {
        for (error, status, code) in [
            (unavailable(Duration::ZERO), 503, "UNAVAILABLE"),
            (unauthenticated(), 401, "UNAUTHENTICATED"),
            (forbidden("tasks:write"), 403, "PERMISSION_DENIED"),
        ] {
            assert_eq!(http_status(&error).as_u16(), status, "{code}");
            assert_eq!(name(grpc_code(&error)), code);
        }
    }
}
