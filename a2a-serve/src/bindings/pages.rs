//! Which pages may make the agent work. CORS says who may read an answer; a browser sends what a form could send without asking,
//! and tells only where it comes from (the Fetch standard's `Origin`).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::ORIGIN;
use axum::http::{HeaderValue, Method, Uri};

use super::hosts::host_of;

/// The pages, beside those of the host that is asked, whose requests are taken.
#[derive(Debug, Clone)]
pub(crate) enum Pages {
    /// Those of any origin.
    Any,
    /// Those of these origins.
    Of(Arc<BTreeSet<Vec<u8>>>),
}

impl Default for Pages {
    fn default() -> Self {
        Pages::Of(Arc::default())
    }
}

impl Pages {
    pub(crate) fn of(origins: &[HeaderValue]) -> Self {
        Pages::Of(Arc::new(origins.iter().map(|origin| origin.as_bytes().to_vec()).collect()))
    }

    /// Tells whether a request may change anything. Programs that are no browsers name no origin.
    pub(super) fn may_send(&self, request: &Request) -> bool {
        if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
            return true;
        }
        let mut origins = request.headers().get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else { return true };
        match self {
            _ if origins.next().is_some() => false,
            Pages::Any => true,
            Pages::Of(named) => named.contains(origin.as_bytes()) || is_of_host(origin, request),
        }
    }
}

/// Tells whether a page came from the host that it asks.
fn is_of_host(origin: &HeaderValue, request: &Request) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let Some(page) = origin.as_ref().and_then(Uri::host) else { return false };
    host_of(request).is_some_and(|host| host.eq_ignore_ascii_case(page))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::header::HOST;

    use super::*;

    fn may_send(pages: &Pages, method: Method, origin: &str) -> bool {
        let request = Request::builder().method(method).uri("/").header(HOST, "agent.example.com:8080");
        let request = if origin.is_empty() { request } else { request.header(ORIGIN, origin) };
        pages.may_send(&request.body(Body::empty()).unwrap())
    }

    #[test]
    fn only_named_pages_and_the_hosts_own_may_change_anything() {
        let named = Pages::of(&[HeaderValue::from_static("https://app.example.com")]);
        for (origin, by_default, by_name) in [
            ("", true, true),
            ("https://agent.example.com", true, true),
            ("http://AGENT.example.com:8080", true, true),
            ("https://app.example.com", false, true),
            ("https://app.example.com.evil.example", false, false),
            ("https://evil.example", false, false),
            ("null", false, false),
            ("file://", false, false),
        ] {
            for method in [Method::POST, Method::DELETE] {
                assert_eq!(may_send(&Pages::default(), method.clone(), origin), by_default, "{origin}");
                assert_eq!(may_send(&named, method.clone(), origin), by_name, "{origin}");
                assert!(may_send(&Pages::Any, method, origin), "{origin}");
            }
            assert!(may_send(&Pages::default(), Method::GET, origin), "{origin}");
        }
        let request = Request::post("/").header(ORIGIN, "null").header(ORIGIN, "https://app.example.com");
        assert!(!named.may_send(&request.body(Body::empty()).unwrap()));
    }
}
