//! Requests that end before a handler hears of them.

use a2a::{A2AError, error_code};
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use super::problem;

/// Why a request goes no further, with an HTTP status that may be more exact than the error's own.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) error: A2AError,
    /// The methods that would have been answered, where the one used is not.
    allowed: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: i32, message: impl Into<String>) -> Self {
        Self { status, error: A2AError::new(code, message), allowed: None }
    }

    /// A URL that exists, asked in a way that it does not answer.
    pub(super) fn method(code: i32, allowed: &'static str) -> Self {
        let message = format!("only {allowed} is answered here");
        Self { allowed: Some(allowed), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, code, message) }
    }

    /// A URL that leads nowhere. 404 rather than the 501 of its code: it is the URL that is wrong.
    pub(super) fn path() -> Self {
        Self::new(StatusCode::NOT_FOUND, error_code::METHOD_NOT_FOUND, "no such path")
    }

    /// Adds the headers that go with this refusal to the response that tells of it.
    pub(super) fn advise(&self, response: &mut Response) {
        if let Some(allowed) = self.allowed {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        }
    }
}

impl From<A2AError> for Refusal {
    fn from(error: A2AError) -> Self {
        Self { status: problem::status_of(&error), error, allowed: None }
    }
}
