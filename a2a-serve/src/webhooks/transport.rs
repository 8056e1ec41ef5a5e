//! The HTTP client that calls webhooks, made when the first one is called.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use a2a::A2AError;
use a2a_cluster::{WebhookAnswer, WebhookFailure, WebhookRequest, WebhookTransport};
use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use percent_encoding::percent_decode_str;
use rustls::crypto::ring;
use tokio::time::timeout;
use url::{Position, Url};

use super::guard::{check_url, is_local};
use super::resolver::Names;

type Client = hyper_util::client::legacy::Client<HttpsConnector<HttpConnector<Names>>, Full<Bytes>>;

/// What webhooks see of who calls them.
const CALLER: &str = concat!("a2a-serve/", env!("CARGO_PKG_VERSION"));
/// How much of an answer's body is read, so that its connection can be used again.
const MAX_ANSWER: usize = 16 * 1024;
/// How long that may take.
const ANSWER_PATIENCE: Duration = Duration::from_secs(1);

/// Posts push notifications over HTTP and HTTPS.
///
/// It follows no redirect and uses no proxy, for either would lead to an address that was not checked. An address is
/// checked when a config is made, and its name once more at each connection: what a name led to when the config was made
/// says nothing of where it leads now.
#[derive(Debug)]
pub struct HttpWebhooks {
    allows_local: bool,
    client: OnceLock<Option<Client>>,
}

impl HttpWebhooks {
    /// Calls public addresses only.
    #[must_use]
    pub fn new() -> Self {
        HttpWebhooks { allows_local: false, client: OnceLock::new() }
    }

    /// Calls local and private addresses, too: this opens the network of this machine to whoever may create a config.
    #[must_use]
    pub fn allowing_local() -> Self {
        HttpWebhooks { allows_local: true, client: OnceLock::new() }
    }

    /// Returns the client. `None` where none can be made; the log says why, once.
    fn client(&self) -> Option<&Client> {
        self.client.get_or_init(|| self.make()).as_ref()
    }

    fn make(&self) -> Option<Client> {
        let connector = connector(Names { allows_local: self.allows_local })
            .inspect_err(|error| tracing::error!(%error, "no TLS: push notifications are not delivered"))
            .ok()?;
        let mut client = hyper_util::client::legacy::Client::builder(TokioExecutor::new());
        Some(client.timer(TokioTimer::new()).pool_timer(TokioTimer::new()).build(connector))
    }

    /// Reads an address as the client does, which is not how it was read when the config was made. `None` where it must not
    /// be called.
    fn address(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let host = url.host_str()?;
        let is_web = matches!(url.scheme(), "http" | "https");
        (is_web && (self.allows_local || !is_local(host))).then_some(url)
    }
}

impl Default for HttpWebhooks {
    fn default() -> Self {
        HttpWebhooks::new()
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
        let request = prepared(url, headers, body).ok_or(WebhookFailure::Failed)?;
        let response = client.request(request).await.map_err(|_| WebhookFailure::Failed)?;
        let answer = WebhookAnswer { status: response.status(), retry_after: asked_for(&response) };
        if answer.status.is_success() {
            // Whatever the answer says beside its status is nobody's business.
            let _ = timeout(ANSWER_PATIENCE, read_away(response)).await;
        }
        Ok(answer)
    }
}

/// Opens connections, encrypted where the address says `https`. It chooses its own cryptography: what else the program
/// uses, or has not chosen, does not matter.
fn connector(names: Names) -> io::Result<HttpsConnector<HttpConnector<Names>>> {
    let mut http = HttpConnector::new_with_resolver(names);
    http.enforce_http(false);
    http.set_nodelay(true);
    let tls = HttpsConnectorBuilder::new().with_provider_and_platform_verifier(ring::default_provider())?;
    Ok(tls.https_or_http().enable_all_versions().wrap_connector(http))
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

/// The pause that an answer asks for.
fn asked_for(response: &Response<Incoming>) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
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
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[test]
    fn addresses_are_checked_as_the_client_reads_them() {
        for url in [
            "http://127.0.0.1/",
            "http://0x7f.0.0.1/",
            "http://017700000001/",
            "http://%6cocalhost/",
            "http://localhost./",
            "http://[::ffff:7f00:1]/",
            "http:127.0.0.1/",
            "http:\\\\127.0.0.1/",
            "http://１２７.0.0.1/",
        ] {
            assert!(HttpWebhooks::new().address(url).is_none(), "{url}");
        }
        assert!(HttpWebhooks::allowing_local().address("http://127.0.0.1/").is_some());
        assert!(HttpWebhooks::allowing_local().address("ftp://example.com/").is_none());
    }

    #[test]
    fn what_an_address_holds_beside_the_place_stays_out_of_the_request_line() {
        let url = Url::parse("https://ann:p%40ss@example.com/hook?a=1#part").unwrap();
        let request = prepared(url, HeaderMap::new(), Bytes::new()).unwrap();
        assert_eq!(request.uri(), "https://example.com/hook?a=1");
        assert_eq!(request.headers()[AUTHORIZATION], format!("Basic {}", STANDARD.encode("ann:p@ss")));

        let own = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Bearer x"))]);
        let request = prepared("https://ann@example.com/".parse().unwrap(), own, Bytes::new()).unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer x");
    }

    #[tokio::test]
    async fn an_https_webhook_is_called_encrypted_whatever_the_program_chose_for_tls() {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/hook", socket.local_addr().unwrap());
        let called = async {
            let (mut stream, _) = socket.accept().await.unwrap();
            let mut record = [0; 3];
            stream.read_exact(&mut record).await.map(|_| record)
        };
        let request = WebhookRequest { url, headers: HeaderMap::new(), body: Bytes::from_static(b"secret") };
        let webhooks = HttpWebhooks::allowing_local();
        let (failed, called) = tokio::join!(webhooks.post(request), called);
        // The first record of a handshake; then the connection ends, and nothing is sent in clear text instead.
        assert_eq!(called.unwrap(), [0x16, 0x03, 0x01]);
        assert!(matches!(failed, Err(WebhookFailure::Failed)), "{failed:?}");
    }
}
