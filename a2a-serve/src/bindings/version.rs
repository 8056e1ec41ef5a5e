//! Which protocol version a request speaks, and whether it is served here (§3.6.2).

use a2a::A2AError;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Uri};
use percent_encoding::percent_decode_str;

use super::violations::short;

/// The service parameter, as a header and as gRPC metadata.
pub(super) const VERSION: HeaderName = HeaderName::from_static("a2a-version");

/// What a request that names no version speaks.
const UNNAMED: &str = "0.3";

/// Accepts `1.0`, also as `1` or with whatever follows the minor version, which says nothing about compatibility. Proxies merge
/// the lines of a header: copies that agree are one.
///
/// # Errors
/// `VersionNotSupported` for every other version, an absent or empty one included, and for copies that do not agree.
pub(super) fn served(requested: &str) -> Result<(), A2AError> {
    let mut named = requested.split(',').map(str::trim).filter(|named| !named.is_empty());
    let version = named.next().unwrap_or(UNNAMED);
    let agree = named.all(|other| other == version);
    let mut numbers = version.splitn(3, '.');
    let is_served = numbers.next() == Some("1") && numbers.next().is_none_or(|minor| minor == "0");
    if is_served && agree { Ok(()) } else { Err(A2AError::version_not_supported(&short(requested.trim()))) }
}

/// Checks the version of an HTTP request: its header, or else its query parameter, which is then put into the
/// headers so that everything behind sees one place.
///
/// # Errors
/// See [`served`].
pub(super) fn served_over_http(request: &mut Request) -> Result<(), A2AError> {
    let lines: Vec<_> = request.headers().get_all(VERSION).iter().collect();
    let lines: Vec<_> = lines.into_iter().map(|line| line.to_str().unwrap_or("unreadable").trim()).collect();
    let named = lines.join(",");
    if lines.iter().any(|line| !line.is_empty()) {
        return served(&named);
    }
    let requested = query_parameter(request.uri(), VERSION.as_str());
    served(&requested)?;
    if let Ok(value) = HeaderValue::from_str(requested.trim()) {
        request.headers_mut().insert(VERSION, value);
    }
    Ok(())
}

/// The values of a query parameter, as the lines of a header are merged; its name compared without case as service parameters are.
fn query_parameter(uri: &Uri, name: &str) -> String {
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let named = pairs.filter(|(key, _)| {
        key.len() >= name.len() && percent_decode_str(key).decode_utf8_lossy().eq_ignore_ascii_case(name)
    });
    // In a query, unlike in a path, `+` stands for a space.
    let values = named.map(|(_, value)| value.replace('+', " "));
    let values: Vec<_> =
        values.map(|value| percent_decode_str(&value).decode_utf8_lossy().into_owned()).collect();
    values.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_of_major_one_are_served() {
        for yes in ["1", "1.0", " 1.0 ", "1.0.3", "1.0.0-rc1", "1.0, 1.0", "1.0,,1.0"] {
            assert!(served(yes).is_ok(), "{yes:?}");
        }
        for no in [
            "", " ", "0.3", "2.0", "10.0", "1.1", "1.00", "1.x", "1.", "one", "-1", "v1", "1.0, 2.0", "1.0,1",
        ] {
            assert!(served(no).is_err(), "{no:?}");
        }
    }

    #[test]
    fn a_query_parameter_is_found_without_regard_to_case_and_encoding() {
        for (uri, found) in [
            ("/tasks?A2A-Version=1.0", "1.0"),
            ("/tasks?x=y&a2a-version=1%2E0", "1.0"),
            ("/tasks?A2A%2DVersion=1.0", "1.0"),
            ("/tasks?A2A-Version=1.0&x=y&a2a-version=0.3", "1.0,0.3"),
            ("/tasks?A2A-Versions=1.0", ""),
            ("/tasks?A2A-Version", ""),
            ("/tasks", ""),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(query_parameter(&uri, "a2a-version"), found, "{uri}");
        }
    }
}
