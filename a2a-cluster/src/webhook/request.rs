//! One event on its way to one webhook: the request, and what became of it.

use std::time::Duration;

use a2a::{StreamResponse, TaskPushNotificationConfig};
use a2a_pb::protojson_conv;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use tokio::time::timeout;

use super::transport::{WebhookAnswer, WebhookFailure, WebhookRequest, WebhookTransport};
use crate::ground::WebhookKeys;
use crate::ground::telemetry::Attempt;

/// The specification's media type of a notification (section 4.3.3).
const A2A_JSON: HeaderValue = HeaderValue::from_static("application/a2a+json");
/// The token under the name of the specification's examples, and under the one that the Rust and Go SDKs
/// send: the specification's text names none.
const TOKENS: [HeaderName; 2] =
    [HeaderName::from_static("x-a2a-notification-token"), HeaderName::from_static("a2a-notification-token")];

/// What identifies a notification, when it was sent, and the proof that it is ours.
const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Writes an event as webhooks get it: a `StreamResponse` in its ProtoJSON form. `None` where it has none.
pub(super) fn body(event: &StreamResponse) -> Option<Bytes> {
    let value = protojson_conv::to_value(event).ok()?;
    serde_json::to_vec(&value).ok().map(Bytes::from)
}

/// Where a webhook is, and what it wants to see of who calls. All of it is secret: it has no `Debug`.
pub(super) struct Destination {
    url: String,
    host: String,
    headers: HeaderMap,
}

/// One call of a webhook.
pub(super) struct Call(WebhookRequest);

impl Destination {
    /// Reads a config. `None` where it asks for what no header can hold.
    pub(super) fn of(config: &TaskPushNotificationConfig) -> Option<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, A2A_JSON);
        if let Some(token) = config.token.as_deref().filter(|token| !token.is_empty()) {
            let token = secret(token)?;
            headers.extend(TOKENS.map(|name| (name, token.clone())));
        }
        if let Some(authentication) = &config.authentication
            && let Some(credentials) = authentication.credentials.as_deref().filter(|text| !text.is_empty())
        {
            headers.insert(AUTHORIZATION, secret(&format!("{} {credentials}", authentication.scheme))?);
        }
        let url: Option<Uri> = config.url.parse().ok();
        let host = url.and_then(|url| Some(url.host()?.to_ascii_lowercase())).unwrap_or_default();
        Some(Destination { url: config.url.clone(), host, headers })
    }

    /// The host, which is all of the address that an operator may see.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Makes a call of a body, in the form of the Standard Webhooks specification: `id` is the same whenever the same is
    /// told again.
    pub(super) fn call(&self, id: &str, body: Bytes, now: DateTime<Utc>, keys: &WebhookKeys) -> Call {
        let mut headers = self.headers.clone();
        let timestamp = now.timestamp();
        let signature = keys.sign(id, timestamp, &body);
        let own =
            [(ID, Some(id.to_owned())), (TIMESTAMP, Some(timestamp.to_string())), (SIGNATURE, signature)];
        for (name, value) in own {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(name, value);
            }
        }
        Call(WebhookRequest { url: self.url.clone(), headers, body })
    }
}

impl Call {
    /// Posts it, once.
    pub(super) async fn post(
        self,
        transport: &dyn WebhookTransport,
        patience: Duration,
    ) -> Result<(), Failure> {
        match timeout(patience, transport.post(self.0)).await {
            Ok(Ok(answer)) if answer.status.is_success() => Ok(()),
            Ok(Ok(answer)) => Err(Failure::refused(answer)),
            Ok(Err(WebhookFailure::Blocked)) => Err(Failure::of(Attempt::Blocked)),
            Ok(Err(WebhookFailure::Failed)) => Err(Failure::of(Attempt::Failed)),
            Err(_) => Err(Failure::of(Attempt::TimedOut)),
        }
    }
}

fn secret(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_bytes(text.as_bytes()).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Why a call did not succeed: nothing in it tells where the webhook is or what it was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    pub(super) attempt: Attempt,
    /// The HTTP status, where there was an answer.
    pub(super) status: Option<u16>,
    /// The pause that the answer asked for.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    /// Tells whether the webhook refuses so many bytes.
    pub(super) fn is_too_large(&self) -> bool {
        self.status == Some(StatusCode::PAYLOAD_TOO_LARGE.as_u16())
    }

    /// The reason for an operator: no content, and nothing of the address.
    pub(super) fn reason(&self) -> String {
        match (self.attempt, self.status) {
            (_, Some(status)) => format!("it answered {status}"),
            (Attempt::Blocked, None) => "its address must not be called".to_owned(),
            (Attempt::TimedOut, None) => "it did not answer in time".to_owned(),
            _ => "it could not be reached".to_owned(),
        }
    }

    pub(super) fn of(attempt: Attempt) -> Self {
        Failure { attempt, status: None, retry_after: None }
    }

    fn refused(answer: WebhookAnswer) -> Self {
        let WebhookAnswer { status, retry_after } = answer;
        Failure { attempt: Attempt::Refused, status: Some(status.as_u16()), retry_after }
    }
}

#[cfg(test)]
mod tests {
    use a2a::AuthenticationInfo;

    use super::*;

    fn config(
        url: &str,
        token: Option<&str>,
        authentication: Option<(&str, &str)>,
    ) -> TaskPushNotificationConfig {
        TaskPushNotificationConfig {
            url: url.into(),
            id: Some("c".into()),
            task_id: "t".into(),
            token: token.map(str::to_owned),
            authentication: authentication.map(|(scheme, credentials)| AuthenticationInfo {
                scheme: scheme.into(),
                credentials: Some(credentials.into()),
            }),
            tenant: None,
        }
    }

    #[test]
    fn every_scheme_and_the_token_become_headers() {
        for (scheme, credentials, expected) in [
            ("Bearer", "abc.def", "Bearer abc.def"),
            ("Basic", "dTpw", "Basic dTpw"),
            ("ApiKey", "key-1", "ApiKey key-1"),
        ] {
            let config = config("https://example.com/", Some("tok"), Some((scheme, credentials)));
            let destination = Destination::of(&config).unwrap();
            assert_eq!(destination.headers[AUTHORIZATION], expected);
            assert_eq!(destination.headers["x-a2a-notification-token"], "tok");
            assert_eq!(destination.headers["a2a-notification-token"], "tok");
            assert_eq!(destination.headers[CONTENT_TYPE], "application/a2a+json");
            assert!(!format!("{:?}", destination.headers).contains(credentials), "secrets are not printed");
        }
        let plain = Destination::of(&config("https://example.com/", None, None)).unwrap();
        assert_eq!(plain.headers.len(), 1);
    }
}
