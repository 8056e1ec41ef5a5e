//! Errors that A2A has no code for and every binding has a form for: "try again later", "who are you?" and "not you".
//!
//! A handler can only return an [`A2AError`]. These carry a mark in the metadata of their `ErrorInfo`, which
//! survives the SDK's own conversion, and by which each binding finds the right form.

use std::collections::HashMap;
use std::time::Duration;

use a2a::errordetails::{ERROR_INFO_TYPE, PROTOCOL_DOMAIN, TypedDetail};
use a2a::{A2AError, error_reason};

/// The metadata key that carries the wait, in whole seconds.
const RETRY_AFTER_SECONDS: &str = "retryAfterSeconds";
/// The metadata key that says that credentials are missing or wrong, with the challenge.
const AUTHENTICATION: &str = "authentication";
/// The metadata key that says what the caller lacks.
const AUTHORIZATION: &str = "authorization";

/// Makes the error for a backend that cannot be reached now: nothing was done, and the caller may ask again after
/// `retry_after` (rounded up to whole seconds, at least one).
///
/// It is `503` with `Retry-After` on both HTTP bindings, where JSON-RPC says `-32603` with the wait in `data`, and
/// `UNAVAILABLE` with `RetryInfo` on gRPC.
///
/// ```
/// use std::time::Duration;
/// use a2a_cluster::{retry_after, unavailable};
/// let error = unavailable(Duration::from_millis(1200));
/// assert_eq!(retry_after(&error), Some(Duration::from_secs(2)));
/// ```
#[must_use]
pub fn unavailable(retry_after: Duration) -> A2AError {
    let seconds = retry_after.as_millis().div_ceil(1000).max(1);
    let error = A2AError::internal("temporarily unavailable, retry later");
    marked(error, RETRY_AFTER_SECONDS, seconds.to_string())
}

/// When the caller may ask again, if `error` was made by [`unavailable`].
#[must_use]
pub fn retry_after(error: &A2AError) -> Option<Duration> {
    mark(error, RETRY_AFTER_SECONDS)?.parse().ok().map(Duration::from_secs)
}

/// Makes the error for a caller whose credentials are missing or not accepted, where a bearer token is wanted.
///
/// It is `401` on both HTTP bindings and `UNAUTHENTICATED` on gRPC; its A2A code is `InvalidRequest`, because the
/// protocol has none of its own for it.
#[must_use]
pub fn unauthenticated() -> A2AError {
    unauthenticated_by("Bearer")
}

/// As [`unauthenticated`], with the challenge that `WWW-Authenticate` brings (RFC 9110, section 11.6.1), for instance
/// `Bearer error="invalid_token"` or `Basic realm="agents"`.
#[must_use]
pub fn unauthenticated_by(challenge: impl Into<String>) -> A2AError {
    let error = A2AError::invalid_request("credentials are missing or not accepted");
    marked(error, AUTHENTICATION, challenge.into())
}

/// The challenge, if `error` was made by [`unauthenticated`] or [`unauthenticated_by`].
#[must_use]
pub fn challenge(error: &A2AError) -> Option<&str> {
    mark(error, AUTHENTICATION)
}

/// Makes the error for a caller who is known and may not do this. `missing` names the permission or scope for the caller
/// to read, and nothing of what it protects.
///
/// It is `403` on both HTTP bindings and `PERMISSION_DENIED` on gRPC; its A2A code is `InvalidRequest`, because the
/// protocol has none of its own for it.
#[must_use]
pub fn forbidden(missing: impl Into<String>) -> A2AError {
    let missing = missing.into();
    let error = A2AError::invalid_request(format!("the caller may not do this: {missing}"));
    marked(error, AUTHORIZATION, missing)
}

/// Whether `error` was made by [`forbidden`].
#[must_use]
pub fn is_forbidden(error: &A2AError) -> bool {
    mark(error, AUTHORIZATION).is_some()
}

fn marked(error: A2AError, key: &str, value: String) -> A2AError {
    let metadata = HashMap::from([(key.to_owned(), value)]);
    let info = TypedDetail::error_info(error_reason(error.code), PROTOCOL_DOMAIN, Some(metadata));
    error.with_details(vec![info])
}

fn mark<'a>(error: &'a A2AError, key: &str) -> Option<&'a str> {
    let details = error.details.as_deref()?.iter();
    let mut infos = details.filter(|detail| detail.type_url == ERROR_INFO_TYPE);
    infos.find_map(|info| info.value.get("metadata")?.get(key)?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_at_least_one_second_and_never_shortened() {
        for (asked, told) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (30_000, 30)] {
            let error = unavailable(Duration::from_millis(asked));
            assert_eq!(retry_after(&error), Some(Duration::from_secs(told)), "{asked} ms");
        }
    }

    #[test]
    fn an_ordinary_error_carries_no_mark() {
        let error = A2AError::internal("broken");
        assert_eq!(retry_after(&error), None);
        assert!(challenge(&error).is_none() && !is_forbidden(&error));
        assert_eq!(challenge(&unauthenticated()), Some("Bearer"));
        assert!(is_forbidden(&forbidden("tasks:write")) && challenge(&forbidden("tasks:write")).is_none());
    }
}
