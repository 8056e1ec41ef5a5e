//! Requests that end before a handler hears of them.

use a2a::{A2AError, error_code};
use axum::http::header::{ACCEPT_ENCODING, ALLOW, CONNECTION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;

use super::status::http_status;

/// Why a request goes no further, with an HTTP status that may be more exact than the error's own.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) error: A2AError,
    /// What would have been answered: a header, and its value.
    advice: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: i32, message: impl Into<String>) -> Self {
        Self { status, error: A2AError::new(code, message), advice: None }
    }

    /// The last answer of its connection, where that is HTTP/1.
    pub(super) fn last(status: StatusCode, code: i32, message: impl Into<String>) -> Self {
        Self { advice: Some((CONNECTION, "close")), ..Self::new(status, code, message) }
    }

    /// A URL that exists, asked in a way that it does not answer.
    pub(super) fn method(code: i32, allowed: &'static str) -> Self {
        let message = format!("only {allowed} is answered here");
        Self { advice: Some((ALLOW, allowed)), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, code, message) }
    }

    /// A body that is encoded. Decoding would let a small body become a large one.
    pub(super) fn encoding() -> Self {
        let message = "the request body must not be compressed";
        let code = error_code::CONTENT_TYPE_NOT_SUPPORTED;
        let advice = Some((ACCEPT_ENCODING, "identity"));
        Self { advice, ..Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, code, message) }
    }

    /// A host that is not served (RFC 9110, section 15.5.20).
    pub(super) fn host() -> Self {
        let message = "this host is not served here";
        Self::new(StatusCode::MISDIRECTED_REQUEST, error_code::INVALID_REQUEST, message)
    }

    /// A page that may not send this.
    pub(super) fn page() -> Self {
        let message = "pages of this origin may not call the agent";
        Self::new(StatusCode::FORBIDDEN, error_code::INVALID_REQUEST, message)
    }

    /// A URL that leads nowhere. 404 rather than the 501 of its code: it is the URL that is wrong.
    pub(super) fn path() -> Self {
        Self::new(StatusCode::NOT_FOUND, error_code::METHOD_NOT_FOUND, "no such path")
    }

    /// Adds the headers that go with this refusal to the response that tells of it.
    pub(super) fn advise(&self, response: &mut Response) {
        if let Some((header, value)) = &self.advice {
            response.headers_mut().insert(header.clone(), HeaderValue::from_static(value));
        }
    }
}

impl From<A2AError> for Refusal {
    fn from(error: A2AError) -> Self {
        Self { status: http_status(&error), error, advice: None }
    }
}
