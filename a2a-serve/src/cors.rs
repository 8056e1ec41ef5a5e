//! Which pages' scripts may call the agent (the Fetch standard's CORS protocol).

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::bindings::Pages;

/// For how long a browser may remember what it was told.
const REMEMBERED: Duration = Duration::from_secs(2 * 60 * 60);

/// Whose scripts may call the agent and read what it answers, beside programs that are no browsers. Without it only those of
/// pages that come from the agent's own host; the agent card is anybody's. What another page sends is refused with 403, also
/// where a browser would send it without asking.
#[derive(Debug, Clone)]
pub struct Cors {
    /// `None`: any.
    origins: Option<Vec<HeaderValue>>,
    has_credentials: bool,
    headers: Vec<HeaderName>,
}

impl Cors {
    /// Scripts of any page may call; their cookies and client certificates stay behind.
    #[must_use]
    pub fn any_origin() -> Self {
        Self::of(None)
    }

    /// Scripts of pages of these origins may call, for instance `https://app.example.com`; without cookies and client
    /// certificates.
    #[must_use]
    pub fn origins(origins: impl IntoIterator<Item = HeaderValue>) -> CorsOrigins {
        CorsOrigins(Self::of(Some(origins.into_iter().collect())))
    }

    /// Lets scripts send this header, too: for instance an API key of the card's security schemes.
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Self {
        self.headers.push(name);
        self
    }

    fn of(origins: Option<Vec<HeaderValue>>) -> Self {
        let own = ["a2a-version", "a2a-extensions", "a2a-resume-cursor", "idempotency-key", "last-event-id"];
        let headers = own.map(HeaderName::from_static).into_iter();
        let headers = headers.chain([AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH]).collect();
        Cors { origins, has_credentials: false, headers }
    }

    /// Whose requests are taken.
    pub(crate) fn pages(&self) -> Pages {
        self.origins.as_deref().map_or(Pages::Any, Pages::of)
    }

    pub(crate) fn layer(self) -> CorsLayer {
        CorsLayer::new()
            .allow_origin(self.origins.map_or_else(AllowOrigin::any, AllowOrigin::list))
            .allow_credentials(self.has_credentials)
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            .allow_headers(self.headers)
            .expose_headers([ETAG, RETRY_AFTER, WWW_AUTHENTICATE, HeaderName::from_static("a2a-extensions")])
            .max_age(REMEMBERED)
    }
}

/// Named origins, which may be trusted with more than any.
#[derive(Debug, Clone)]
pub struct CorsOrigins(Cors);

impl CorsOrigins {
    /// Their scripts may send cookies and client certificates along.
    #[must_use]
    pub fn with_credentials(self) -> Cors {
        Cors { has_credentials: true, ..self.0 }
    }
}

impl From<CorsOrigins> for Cors {
    fn from(CorsOrigins(cors): CorsOrigins) -> Self {
        cors
    }
}
