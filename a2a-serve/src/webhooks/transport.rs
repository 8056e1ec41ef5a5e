//! The HTTP client that calls webhooks, made when the first one is called.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use a2a::A2AError;
use a2a_cluster::{WebhookAnswer, WebhookFailure, WebhookRequest, WebhookTransport};
use async_trait::async_trait;
use http::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use tokio::time::timeout;

use super::guard::{check_url, is_local};
use super::resolver::PublicOnly;

/// What webhooks see of who calls them.
const USER_AGENT: &str = concat!("a2a-serve/", env!("CARGO_PKG_VERSION"));
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
        let mut builder =
            Client::builder().user_agent(USER_AGENT).redirect(Policy::none()).no_proxy().referer(false);
        if !self.allows_local {
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        // A program that enables TLS without choosing a provider for its cryptography makes this panic.
        match std::panic::catch_unwind(AssertUnwindSafe(|| builder.build())) {
            Ok(Ok(client)) => Some(client),
            Ok(Err(error)) => {
                tracing::error!(%error, "no HTTP client could be made: push notifications are not delivered");
                None
            }
            Err(_) => {
                tracing::error!(
                    "TLS has no crypto provider installed: push notifications are not delivered; \
                     install one before the first task with a push notification config"
                );
                None
            }
        }
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
        let sent = client.post(url).headers(headers).body(body).send().await;
        let response = sent.map_err(|_| WebhookFailure::Failed)?;
        let answer = WebhookAnswer { status: response.status(), retry_after: asked_for(&response) };
        if answer.status.is_success() {
            // Whatever the answer says beside its status is nobody's business.
            let _ = timeout(ANSWER_PATIENCE, read_away(response)).await;
        }
        Ok(answer)
    }
}

/// The pause that an answer asks for.
fn asked_for(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

async fn read_away(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > MAX_ANSWER {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
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
}
