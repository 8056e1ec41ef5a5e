//! The HTTP client that calls webhooks, made when the first one is called.

use std::sync::OnceLock;
use std::time::Duration;

use a2a::A2AError;
use a2a_cluster::{WebhookAnswer, WebhookFailure, WebhookRequest, WebhookTransport};
use a2a_core::{Env, SystemEnv};
use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{ACCEPT, AUTHORIZATION, PROXY_AUTHORIZATION, RETRY_AFTER, USER_AGENT};
use http::uri::Scheme;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use percent_encoding::percent_decode_str;
use tokio::time::timeout;
use url::{Position, Url};

use super::egress::Egress;
use super::error::WebhookSettingsError;
use super::guard::{check_url, reserved};
use super::proxies::Proxies;
use super::resolver::Names;
use super::tls::Trust;

type Client = hyper_util::client::legacy::Client<HttpsConnector<Egress>, Full<Bytes>>;

/// What webhooks see of who calls them.
const CALLER: &str = concat!("a2a-serve/", env!("CARGO_PKG_VERSION"));
/// How much of an answer's body is read, so that its connection can be used again.
const MAX_ANSWER: usize = 16 * 1024;
/// How long that may take.
const ANSWER_PATIENCE: Duration = Duration::from_secs(1);

/// Posts push notifications over HTTP and HTTPS.
///
/// It calls the public internet only: not the addresses that IANA's registries keep for special purposes, and no metadata
/// service of a cloud. A URL is checked when a config is made, and its host once more at each connection: what a name led to when
/// the config was made says nothing of where it leads now. A name is refused if one of its addresses is not public, whatever the
/// others are, and the addresses that were checked are those that are connected to. Redirects are not followed: where they lead
/// was not checked.
///
/// By default it uses no proxy, trusts whom the platform trusts, and shows no certificate of its own:
///
/// ```
/// # fn webhooks(roots: &[u8], chain: &[u8], key: &[u8]) -> Result<(), a2a_serve::WebhookSettingsError> {
/// use a2a_serve::HttpWebhooks;
///
/// let webhooks = HttpWebhooks::new()
///     .proxy("http://proxy.example.com:3128")?
///     .extra_roots(roots)?
///     .client_certificate(chain, key)?;
/// # Ok(()) }
/// ```
#[derive(Debug, Default)]
pub struct HttpWebhooks {
    allows_local: bool,
    proxies: Proxies,
    trust: Trust,
    client: OnceLock<Option<Client>>,
}

impl HttpWebhooks {
    /// Calls public addresses only.
    #[must_use]
    pub fn new() -> Self {
        HttpWebhooks::default()
    }

    /// Calls local and private addresses, too: this opens the network of this machine to whoever may create a config.
    #[must_use]
    pub fn allowing_local() -> Self {
        HttpWebhooks { allows_local: true, ..HttpWebhooks::default() }
    }

    /// Calls webhooks through this proxy, `http://proxy.example.com:3128`, perhaps with a name and a password; by default through
    /// none. Those at `https://` are called through a tunnel (CONNECT) and encrypted from end to end, those at `http://` are
    /// forwarded.
    ///
    /// Names are then resolved by the proxy, so it is the proxy that has to keep them from private networks. Names and addresses
    /// that a URL shows not to be public are still refused here.
    ///
    /// # Errors
    ///
    /// [`WebhookSettingsError::Proxy`]: this is not a URL of that kind.
    pub fn proxy(self, url: &str) -> Result<Self, WebhookSettingsError> {
        Ok(HttpWebhooks { proxies: Proxies::at(url)?, client: OnceLock::new(), ..self })
    }

    /// Calls webhooks through the proxies that `HTTP_PROXY`, `HTTPS_PROXY` and `ALL_PROXY` name, except those that `NO_PROXY` does,
    /// which are guarded as without a proxy. The variables are read now, and in lower case as well. By default they do not count.
    ///
    /// # Errors
    ///
    /// [`WebhookSettingsError::ProxyVariable`]: one of them names no proxy that [`HttpWebhooks::proxy`] takes.
    pub fn proxy_from_env(self) -> Result<Self, WebhookSettingsError> {
        Ok(HttpWebhooks { proxies: Proxies::from_env()?, client: OnceLock::new(), ..self })
    }

    /// Trusts webhooks whose certificates one of these has signed, beside those that the platform trusts. Takes one or more
    /// certificates in PEM; by default there are none.
    ///
    /// # Errors
    ///
    /// [`WebhookSettingsError::Roots`]: there is none in it, or one cannot be read.
    pub fn extra_roots(mut self, pem: &[u8]) -> Result<Self, WebhookSettingsError> {
        self.trust.add_roots(pem)?;
        Ok(HttpWebhooks { client: OnceLock::new(), ..self })
    }

    /// Shows this certificate to every webhook at `https://` that asks who calls; by default none. Takes the chain, its own
    /// certificate first, and the key, both in PEM.
    ///
    /// # Errors
    ///
    /// [`WebhookSettingsError`]: chain or key cannot be read, or do not belong together.
    pub fn client_certificate(mut self, chain: &[u8], key: &[u8]) -> Result<Self, WebhookSettingsError> {
        self.trust.set_client(chain, key)?;
        Ok(HttpWebhooks { client: OnceLock::new(), ..self })
    }

    /// Returns the client. `None` where none can be made; the log says why, once.
    fn client(&self) -> Option<&Client> {
        self.client.get_or_init(|| self.make(Names::of_system(self.allows_local))).as_ref()
    }

    fn make(&self, names: Names) -> Option<Client> {
        let tls = self.trust.config();
        let tls = tls
            .inspect_err(|error| tracing::error!(%error, "no TLS: push notifications are not delivered"))
            .ok()?;
        let tls = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_all_versions();
        let connector = tls.wrap_connector(Egress::new(names, self.proxies.clone()));
        let mut client = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
        Some(client.timer(TokioTimer::new()).pool_timer(TokioTimer::new()).build(connector))
    }

    /// Puts the credentials for a proxy in a request that it forwards. Nobody else may see them: what is encrypted is for the
    /// webhook, and the way to it is opened with them.
    fn show_proxy(&self, request: &mut Request<Full<Bytes>>) {
        request.headers_mut().remove(PROXY_AUTHORIZATION);
        if request.uri().scheme() == Some(&Scheme::HTTP)
            && let Some(proxy) = self.proxies.of(request.uri())
            && let Some(credentials) = proxy.basic_auth()
        {
            request.headers_mut().insert(PROXY_AUTHORIZATION, credentials.clone());
        }
    }

    /// Reads an address as the client does, which is not how it was read when the config was made. `None` where it must not
    /// be called.
    fn address(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let host = url.host_str()?;
        let is_web = matches!(url.scheme(), "http" | "https");
        (is_web && (self.allows_local || reserved(host).is_none())).then_some(url)
    }
}

#[async_trait]
impl WebhookTransport for HttpWebhooks {
    fn check_url(&self, url: &str) -> Result<(), A2AError> {
        check_url(url, self.allows_local)
    }

    async fn post(&self, request: WebhookRequest) -> Result<WebhookAnswer, WebhookFailure> {
        let WebhookRequest { url, headers, body } = request;
        let url = self.address(&url).ok_or(WebhookFailure::Blocked)?;
        let client = self.client().ok_or(WebhookFailure::Failed)?;
        // What the client says of a failure names the address.
        let mut request = prepared(url, headers, body).ok_or(WebhookFailure::Failed)?;
        self.show_proxy(&mut request);
        let response = client.request(request).await.map_err(|_| WebhookFailure::Failed)?;
        if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            tracing::debug!("a proxy asks for credentials, or for others");
            return Err(WebhookFailure::Failed);
        }
        let answer = WebhookAnswer {
            status: response.status(),
            retry_after: asked_for(response.headers(), SystemEnv.now()),
        };
        if answer.status.is_success() {
            // Whatever the answer says beside its status is nobody's business.
            let _ = timeout(ANSWER_PATIENCE, read_away(response)).await;
        }
        Ok(answer)
    }
}

fn prepared(mut url: Url, mut headers: HeaderMap, body: Bytes) -> Option<Request<Full<Bytes>>> {
    if let Some(credentials) = take_credentials(&mut url) {
        headers.entry(AUTHORIZATION).or_insert(credentials);
    }
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(CALLER));
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    let mut request = Request::post(&url[..Position::AfterQuery]).body(Full::new(body)).ok()?;
    *request.headers_mut() = headers;
    Some(request)
}

/// Takes name and password out of an address: they travel in a header.
fn take_credentials(url: &mut Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let both = [decoded(url.username()), decoded(url.password().unwrap_or_default())].join(&b':');
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(both))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The pause that an answer asks for: in seconds, or until a date (RFC 9110, section 10.2.3).
fn asked_for(answer: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let value = answer.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(value).ok()?;
    Some((until.to_utc() - now).to_std().unwrap_or_default())
}

async fn read_away(response: Response<Incoming>) {
    let mut body = response.into_body();
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MAX_ANSWER {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
