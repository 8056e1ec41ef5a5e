//! What HTTP/1 wants of a request, which is a host (RFC 9112, section 3.2), and what it cannot do for one, which is gRPC.

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
use crate::bindings::grpc::is_grpc;

/// Why a request is not answered.
type Fault = (StatusCode, &'static str);

/// Lets a router answer, or says what is wrong, and ends the connection: what else came on it is in doubt.
pub(super) async fn answer(mut router: Router, request: Request<Incoming>) -> Result<Response, Infallible> {
    match fault(request.version(), request.headers()) {
        None => router.call(request).await,
        Some(fault) => Ok(Box::pin(refuse(request.map(Body::new), fault)).await),
    }
}

async fn refuse(mut request: Request<Body>, (status, why): Fault) -> Response {
    discard(&mut request).await;
    let last = [(CONNECTION, HeaderValue::from_static("close"))];
    (status, last, why).into_response()
}

fn fault(version: Version, headers: &HeaderMap) -> Option<Fault> {
    if version > Version::HTTP_11 {
        return None;
    }
    if let Some(fault) = fault_of_host(version, headers) {
        return Some((StatusCode::BAD_REQUEST, fault));
    }
    // Its answers end with trailers, which clients and proxies of HTTP/1 do not read.
    is_grpc(headers).then_some((StatusCode::HTTP_VERSION_NOT_SUPPORTED, "gRPC needs HTTP/2\n"))
}

/// One is named, in a form that says the same to everybody between the client and here. HTTP/1.0 may name none.
fn fault_of_host(version: Version, headers: &HeaderMap) -> Option<&'static str> {
    let mut lines = headers.get_all(HOST).iter();
    match (lines.next(), lines.next()) {
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
