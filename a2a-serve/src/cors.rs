//! Which pages' scripts may call the agent (the Fetch standard's CORS protocol).

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// For how long a browser may remember what it was told.
const REMEMBERED: Duration = Duration::from_secs(2 * 60 * 60);

/// Who may read what the agent answers, beside programs that are no browsers. Without it no page's script may, but for the
/// agent card, which is anybody's.
#[derive(Debug, Clone)]
pub struct Cors {
    origins: AllowOrigin,
    has_credentials: bool,
    headers: Vec<HeaderName>,
}

impl Cors {
    /// Scripts of any page may call; their cookies and client certificates stay behind.
    #[must_use]
    pub fn any_origin() -> Self {
        Self::of(AllowOrigin::any())
    }

    /// Scripts of pages of these origins may call, for instance `https://app.example.com`; without cookies and client
    /// certificates.
    #[must_use]
    pub fn origins(origins: impl IntoIterator<Item = HeaderValue>) -> CorsOrigins {
        CorsOrigins(Self::of(AllowOrigin::list(origins)))
    }

    /// Lets scripts send this header, too: for instance an API key of the card's security schemes.
    #[must_use]
    pub fn header(mut self, name: HeaderName) -> Self {
        self.headers.push(name);
        self
    }

    fn of(origins: AllowOrigin) -> Self {
        let own = ["a2a-version", "a2a-extensions", "a2a-resume-cursor", "idempotency-key", "last-event-id"];
        let headers = own.map(HeaderName::from_static).into_iter();
        let headers = headers.chain([AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH]).collect();
        Cors { origins, has_credentials: false, headers }
    }

    pub(crate) fn layer(self) -> CorsLayer {
        CorsLayer::new()
            .allow_origin(self.origins)
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
