//! Which protocol version a request speaks, and whether it is served here (§3.6.2).

use a2a::A2AError;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode_str;

/// The service parameter, as a header and as gRPC metadata.
pub(super) const VERSION: HeaderName = HeaderName::from_static("a2a-version");

/// What a request that names no version speaks.
const UNNAMED: &str = "0.3";

/// Accepts `1` and every `1.x`; whatever follows the minor version says nothing about compatibility.
///
/// # Errors
/// `VersionNotSupported` for every other version, an absent or empty one included.
pub(super) fn served(requested: &str) -> Result<(), A2AError> {
    let requested = match requested.trim() {
        "" => UNNAMED,
        named => named,
    };
    let mut numbers = requested.split('.').map(|number| number.parse::<u32>().ok());
    let major_is_one = numbers.next() == Some(Some(1));
    let minor_is_a_number = numbers.next().is_none_or(|minor| minor.is_some());
    if major_is_one && minor_is_a_number { Ok(()) } else { Err(A2AError::version_not_supported(requested)) }
}

/// Checks the version of an HTTP request: its header, or else its query parameter, which is then put into the
/// headers so that everything behind sees one place.
///
/// # Errors
/// See [`served`].
pub(super) fn served_over_http(request: &mut Request) -> Result<(), A2AError> {
    if let Some(header) = request.headers().get(VERSION)
        && !header.as_bytes().trim_ascii().is_empty()
    {
        return served(header.to_str().unwrap_or("unreadable"));
    }
    let requested = query_parameter(request.uri(), VERSION.as_str()).unwrap_or_default();
    served(&requested)?;
    if let Ok(value) = HeaderValue::from_str(requested.trim()) {
        request.headers_mut().insert(VERSION, value);
    }
    Ok(())
}

/// The first value of a query parameter, its name compared without case as service parameters are.
pub(super) fn query_parameter(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(key, _)| {
        key.len() >= name.len() && percent_decode_str(key).decode_utf8_lossy().eq_ignore_ascii_case(name)
    })?;
    // In a query, unlike in a path, `+` stands for a space.
    let value = value.replace('+', " ");
    Some(percent_decode_str(&value).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_of_major_one_are_served() {
        for yes in ["1", "1.0", "1.1", " 1.0 ", "1.0.3", "1.0.0-rc1"] {
            assert!(served(yes).is_ok(), "{yes:?}");
        }
        for no in ["", " ", "0.3", "2.0", "10.0", "1.x", "1.", "one", "-1", "v1"] {
            assert!(served(no).is_err(), "{no:?}");
        }
    }

    #[test]
    fn a_query_parameter_is_found_without_regard_to_case_and_encoding() {
        for (uri, found) in [
            ("/tasks?A2A-Version=1.0", Some("1.0")),
            ("/tasks?x=y&a2a-version=1%2E0", Some("1.0")),
            ("/tasks?A2A%2DVersion=1.0", Some("1.0")),
            ("/tasks?A2A-Versions=1.0", None),
            ("/tasks?A2A-Version", None),
            ("/tasks", None),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(query_parameter(&uri, "a2a-version").as_deref(), found, "{uri}");
        }
    }
}
