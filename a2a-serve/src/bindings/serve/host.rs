//! The host that a request names, as HTTP/1.1 wants it (RFC 9112, section 3.2): once, in a form that says one thing to everybody
//! between the client and here.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONNECTION, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use tower::Service;

use crate::bindings::discard::discard;

/// Lets a router answer, or says what is wrong with the host, and ends the connection: what else came on it is in doubt.
pub(super) async fn answer(mut router: Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    match fault(request.version(), request.headers()) {
        None => router.call(request).await,
        Some(fault) => Ok(Box::pin(refuse(request.map(Body::new), fault)).await),
    }
}

async fn refuse(mut request: Request<Body>, fault: &'static str) -> Response {
    discard(&mut request).await;
    let last = [(CONNECTION, HeaderValue::from_static("close"))];
    (StatusCode::BAD_REQUEST, last, fault).into_response()
}

/// What is wrong with it. HTTP/1.0 may name none, and HTTP/2 has its own place for it.
fn fault(version: Version, headers: &HeaderMap) -> Option<&'static str> {
    let mut lines = headers.get_all(HOST).iter();
    match (lines.next(), lines.next()) {
        _ if version > Version::HTTP_11 => None,
        (None, _) => (version == Version::HTTP_11).then_some("a request of HTTP/1.1 names its host\n"),
        (Some(host), None) => (!is_host(host)).then_some("the host is none\n"),
        (Some(_), Some(_)) => Some("a request names one host\n"),
    }
}

/// An empty one is for URLs that have none.
fn is_host(host: &HeaderValue) -> bool {
    let host = host.as_bytes();
    host.is_empty() || !host.contains(&b'@') && Authority::try_from(host).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_one_host_unless_its_version_has_another_place_for_it() {
        for (version, hosts, is_right) in [
            (Version::HTTP_11, &["agent.example.com:8080"][..], true),
            (Version::HTTP_11, &["[::1]:1"], true),
            (Version::HTTP_11, &[""], true),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_11, &["a", "a"], false),
            (Version::HTTP_11, &["a b"], false),
            (Version::HTTP_11, &["a, b"], false),
            (Version::HTTP_11, &["a/b"], false),
            (Version::HTTP_11, &["me@a"], false),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_10, &["a"], true),
            (Version::HTTP_10, &["a", "b"], false),
            (Version::HTTP_2, &[], true),
            (Version::HTTP_2, &["a"], true),
        ] {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_static(host));
            }
            assert_eq!(fault(version, &headers).is_none(), is_right, "{version:?} {hosts:?}");
        }
    }
}
