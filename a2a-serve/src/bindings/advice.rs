//! What HTTP says in headers beside an error.

use a2a::A2AError;
use a2a_cluster::{challenge, retry_after};
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};

/// Adds what HTTP says in headers: how long to wait, or which credentials are wanted.
pub(super) fn advise(error: &A2AError, headers: &mut HeaderMap) {
    if let Some(wait) = retry_after(error) {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    if let Some(challenge) = challenge(error) {
        let wanted = HeaderValue::from_str(challenge);
        headers.insert(WWW_AUTHENTICATE, wanted.unwrap_or(HeaderValue::from_static("Bearer")));
    }
}
