//! How push notifications leave: the contract of whoever carries them.

use std::fmt;
use std::time::Duration;

use a2a::A2AError;
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// Carries push notifications to webhooks. A cluster decides what is sent, when, and how often.
#[async_trait]
pub trait WebhookTransport: fmt::Debug + Send + Sync + 'static {
    /// Checks the URL of a config before the config is kept.
    ///
    /// # Errors
    ///
    /// `InvalidParams` that tells the client why this transport does not call such a URL.
    fn check_url(&self, url: &str) -> Result<(), A2AError>;

    /// Posts a notification, once, and returns the answer, whatever its status. Redirects are answers, too: where they lead
    /// was not checked.
    ///
    /// Cancel safe in that a call which is dropped may or may not have arrived.
    ///
    /// # Errors
    ///
    /// The reason why there was no answer. Neither the URL nor what was sent shows in it.
    async fn post(&self, request: WebhookRequest) -> Result<WebhookAnswer, WebhookFailure>;
}

/// One notification on its way.
#[derive(Clone)]
pub struct WebhookRequest {
    /// Where it goes, as the config has it.
    pub url: String,
    /// Its content type, and what proves to the webhook who calls.
    pub headers: HeaderMap,
    /// A `StreamResponse` as JSON.
    pub body: Bytes,
}

/// Where a webhook is and what it is sent is its caller's secret.
impl fmt::Debug for WebhookRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookRequest").field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// What a webhook answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The pause that it asks for before the next call.
    pub retry_after: Option<Duration>,
}

/// Why a webhook did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookFailure {
    /// It could not be reached, or was cut off.
    Failed,
    /// Its address must not be called.
    Blocked,
}
